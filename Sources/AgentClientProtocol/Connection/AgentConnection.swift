internal import Basics
public import JSONText
public import Logging
import NIOCore
internal import Observability
import Synchronization

/// A running agent and the conversation with it; safe to share, its state sits in a `Mutex`.
///
/// `run()` is the agent's life: it starts the process, reads and writes, and returns when the process is gone. The calls
/// are made meanwhile from other tasks. What to do is decided by `AgentConnectionStateMachine`; the process and its pipes
/// are in `AgentConnection+Process.swift`.
public final class AgentConnection: Sendable {
  typealias Machine = AgentConnectionStateMachine<Waiter>
  typealias Waiter = CheckedContinuation<Result<JSONText, AgentError>, Never>

  struct State: Sendable {
    var machine: Machine
    /// The tasks that wait for a person's answer, to be told when it isn't needed any more.
    var questions: [Int: AsyncStream<Void>.Continuation] = [:]
    /// The end of what the agent has last written on its standard error: often the reason why it left.
    var lastErrorLine: String?
    /// What the agent has said about itself.
    var description: AgentDescription?
  }

  let configuration: AgentConfiguration
  let handler: any AgentHandler
  let logger: Logger
  let state: Mutex<State>
  /// Wakes the writer: lines wait, or (when it ends) nothing more will come.
  let wakeups: AsyncStream<Void>
  let wake: AsyncStream<Void>.Continuation
  /// Ends when the agent should stop.
  let stopping: AsyncStream<Void>
  let stopSignal: AsyncStream<Void>.Continuation

  /// A connection whose agent isn't started yet.
  public init(configuration: AgentConfiguration, handler: any AgentHandler, logger: Logger) {
    self.configuration = configuration
    self.handler = handler
    self.logger = logger
    state = Mutex(State(machine: Machine(limits: configuration.limits, offered: configuration.tools)))
    (wakeups, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    (stopping, stopSignal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  // MARK: - Calls

  /// Says hello. The first call on a connection.
  ///
  /// - Returns: what the agent says about itself.
  /// - Throws: `AgentError`: no answer in time, another version of the protocol, or the process has ended.
  public func initialize() async throws(AgentError) -> AgentDescription {
    let call = AgentCall.initialize(
      clientName: configuration.clientName, clientVersion: configuration.clientVersion, tools: configuration.tools)
    let result = try await send(call, timeout: configuration.startTimeout)
    let description = try AgentDescription(initializeResult: result)
    state.withLock { $0.description = description }
    return description
  }

  /// Runs one turn. It may take hours; there is no time limit.
  ///
  /// - Returns: why the turn ended. Every update of the turn has been delivered by then.
  /// - Throws: `AgentError` when the agent refuses or leaves before the turn has ended.
  public func prompt(_ text: String, sessionID: String) async throws(AgentError) -> AgentStopReason {
    let result = try await send(.prompt(sessionID: sessionID, text: text), timeout: nil)
    return Self.stopReason(result)
  }

  /// Runs one turn of a prompt made of the protocol's content blocks.
  ///
  /// - Returns: why the turn ended. Every update of the turn has been delivered by then.
  /// - Throws: `AgentError` when the agent refuses or leaves before the turn has ended.
  public func prompt(_ blocks: [JSONText], sessionID: String) async throws(AgentError) -> AgentStopReason {
    let result = try await send(.prompt(sessionID: sessionID, blocks: blocks), timeout: nil)
    return Self.stopReason(result)
  }

  private static func stopReason(_ result: JSONText) -> AgentStopReason {
    result["stopReason"]?.string.map(AgentStopReason.init(rawValue:)) ?? .endTurn
  }

  /// Has the agent work differently from now on.
  ///
  /// - Returns: what it answers; for an option it holds the agent's `configOptions` as they are now.
  /// - Throws: `AgentError` when the agent refuses, does not answer in time, or leaves.
  public func set(_ control: AgentControl, sessionID: String) async throws(AgentError) -> JSONText {
    try await send(.set(control, sessionID: sessionID), timeout: configuration.controlTimeout)
  }

  /// Asks the agent to stop the running turn and answers its open questions. The turn's own answer still comes.
  public func cancel(sessionID: String) {
    change { $0.cancel(sessionID: sessionID) }
  }

  /// Ends the agent: its input is closed, then it is told to leave, then it is killed. `run()` returns when it is gone.
  public func stop() {
    stopSignal.finish()
  }

  // MARK: - Between the machine and the world

  func send(_ call: AgentCall, timeout: Duration?) async throws(AgentError) -> JSONText {
    guard let timeout else { return try await send(call).get() }
    let result = await withTaskGroup(of: Result<JSONText, AgentError>?.self) { group in
      group.addTask { await self.send(call) }
      group.addTask {
        try? await Task.sleep(for: timeout)
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    guard let result else {
      throw AgentError(.timedOut, "The agent did not answer \(call.method) within \(timeout.components.seconds) s.")
    }
    return try result.get()
  }

  private func send(_ call: AgentCall) async -> Result<JSONText, AgentError> {
    // The id is known only under the lock, and cancellation may come at any moment before or after.
    let request = Mutex<(id: Int64?, isCancelled: Bool)>((nil, false))
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        change { machine in
          let (id, actions) = machine.request(call, waiter: continuation)
          let isCancelled = request.withLock { state in
            state.id = id
            return state.isCancelled
          }
          return isCancelled ? actions + machine.abandon(id, because: Self.abandoned) : actions
        }
      }
    } onCancel: {
      let id = request.withLock { state in
        state.isCancelled = true
        return state.id
      }
      if let id { change { $0.abandon(id, because: Self.abandoned) } }
    }
  }

  private static let abandoned = AgentError(.abandoned, "The request was given up.")

  /// Changes the machine under the lock and does, behind it, what can be done at once.
  func change(_ transition: (inout Machine) -> [Machine.Action]) {
    let (actions, wakesWriter, isOverloaded) = state.withLock { state in
      let actions = transition(&state.machine)
      return (actions, state.machine.hasOutgoing, state.machine.isOverloaded)
    }
    for action in actions { perform(action) }
    if wakesWriter { wake.yield() }
    if isOverloaded {
      close(AgentError(.overloaded, "The agent does not read what it is sent."))
      stop()
    }
  }

  /// Ends the conversation.
  func close(_ error: AgentError) {
    change { $0.close(error) }
  }

  private func perform(_ action: Machine.Action) {
    switch action {
    case .resume(let waiter, let result): waiter.resume(returning: result)
    case .withdrawPermission(let key): state.withLock { $0.questions.removeValue(forKey: key) }?.finish()
    case .note(let note): log(note)
    case .opened, .deliver, .askPermission, .useTool:
      // Only the reader's own calls return these, and it handles them itself.
      logger.error("an action of the reader came from elsewhere")
    }
  }

  /// Takes lines from the agent; only the reader calls this.
  func receive(_ lines: [LineFramer.Line], askingIn group: inout DiscardingTaskGroup) async {
    for line in lines {
      var actions: [Machine.Action] = []
      change { machine in
        actions = machine.receive(line)
        return []
      }
      // In their order: what was replayed arrives before the session counts as opened.
      for action in actions {
        switch action {
        case .opened(let session):
          if let description = state.withLock({ $0.description }) {
            await handler.agentOpened(AgentProfile(description: description, session: session))
          }
        case .deliver(let notification): await handler.agentSent(notification)
        case .askPermission(let request): group.addTask { await self.ask(request) }
        case .useTool(let request): group.addTask { await self.use(request) }
        case .resume, .withdrawPermission, .note: perform(action)
        }
      }
    }
  }

  /// Asks the handler, until it answers or the question is withdrawn.
  private func ask(_ request: AgentPermissionRequest) async {
    let outcome = await untilWithdrawn(request.key, isOpen: { $0.isOpen(permission: request.key) }) {
      await self.handler.agentAsks(request)
    }
    if let outcome { change { $0.answerPermission(key: request.key, outcome) } }
  }

  /// Has the handler do something for the agent, until it is done or the agent no longer wants it.
  private func use(_ request: AgentToolRequest) async {
    let answer = await untilWithdrawn(request.key, isOpen: { $0.isOpen(tool: request.key) }) {
      await self.handler.agentUses(request)
    }
    if let answer { change { $0.answerTool(key: request.key, answer) } }
  }

  private func untilWithdrawn<Answer: Sendable>(
    _ key: Int, isOpen: (Machine) -> Bool, _ body: @escaping @Sendable () async -> Answer
  ) async -> Answer? {
    let (withdrawn, withdrawal) = AsyncStream<Void>.makeStream()
    let isOpen = state.withLock { state in
      state.questions[key] = withdrawal
      return isOpen(state.machine)
    }
    // It may have been withdrawn before there was anything to tell.
    if !isOpen { withdrawal.finish() }
    let answer = await withTaskGroup(of: Answer?.self) { group in
      group.addTask { await body() }
      group.addTask {
        for await _ in withdrawn {}
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    state.withLock { $0.questions[key] = nil }
    return answer
  }

  private func log(_ note: Machine.Note) {
    switch note {
    case .lineIgnored(let line):
      let start = String(decoding: line.readableBytesView.prefix(200), as: UTF8.self)
      logger.info("agent wrote a line that is no message", metadata: [LogKey.agentLine: "\(start)"])
    case .lineTooLong:
      logger.warning(
        "agent wrote a line that is too long", metadata: [LogKey.limitBytes: "\(configuration.limits.lineBytes)"])
    case .methodUnknown(let method):
      logger.debug("agent used a method that is not offered", metadata: [LogKey.agentMethod: "\(method.prefix(200))"])
    case .answerUnexpected: logger.debug("agent answered what was not asked")
    case .updateOfOtherSession(let kind):
      logger.debug("agent sent an update of another session", metadata: [LogKey.agentUpdate: "\(kind.prefix(200))"])
    case .replayCut(let count):
      logger.warning("the beginning of the conversation is left out", metadata: [LogKey.agentUpdates: "\(count)"])
    case .updatesDropped: logger.info("agent's updates before its session were dropped")
    }
  }
}
