import AgentClientProtocol
import Basics
import JSONText
import Logging
import Observability

/// Keeps an agent for the prompts that come; an actor.
///
/// An agent that leaves isn't started again at once but for the next prompt, after a pause that grows while it goes on
/// failing. A new process takes up the old session when it can, so that the agent still knows what was said.
actor AgentSupervisor {
  /// An agent that can be prompted.
  private struct Ready {
    let connection: AgentConnection
    let sessionID: String
    let description: AgentDescription
  }

  private enum State {
    case idle
    case starting
    case ready(Ready)
    case stopped
  }

  private let configuration: AgentConfiguration
  private let handler: any AgentHandler
  private let logger: Logger
  /// How long an agent has to end a cancelled turn before it is ended itself.
  private let cancelGrace: Duration
  /// The conversation to go on with at first.
  private let conversation: ConversationChoice?
  private var state = State.idle
  private var connection: AgentConnection?
  private var waiters: [CheckedContinuation<Result<Ready, AgentError>, Never>] = []
  private var backoff = Backoff(first: .milliseconds(500), longest: .seconds(30))
  private var hasFailed = false
  private var lastSessionID: String?
  private var turn = 0
  private var isTurnRunning = false
  private let demands: AsyncStream<Demand>
  private let demand: AsyncStream<Demand>.Continuation

  private enum Demand: Sendable {
    case start
    case cancelTurn
    case watchCancelledTurn(Int)
  }

  init(
    configuration: AgentConfiguration, handler: any AgentHandler, conversation: ConversationChoice? = nil,
    cancelGrace: Duration, logger: Logger
  ) {
    self.conversation = conversation
    self.configuration = configuration
    self.handler = handler
    self.cancelGrace = cancelGrace
    self.logger = logger
    (demands, demand) = AsyncStream.makeStream()
  }

  /// Lives until `stop()`, and returns when no agent is left.
  func run() async {
    await withDiscardingTaskGroup { group in
      for await demand in demands {
        switch demand {
        case .start: group.addTask { await self.runAgent() }
        case .cancelTurn: cancelTurn()
        case .watchCancelledTurn(let turn): group.addTask { await self.endUnlessOver(turn) }
        }
      }
      group.cancelAll()
    }
  }

  /// Starts the agent now.
  ///
  /// - Throws: `AgentError` with the reason why it can't be used.
  func start() async throws(AgentError) {
    _ = try await ready()
  }

  /// Has the agent work differently from now on, starting it first when it is not there.
  ///
  /// - Returns: the update that says so; nil when the agent's answer says nothing.
  func set(_ control: AgentControl) async throws(AgentError) -> AgentNotification? {
    let agent = try await ready()
    let result = try await agent.connection.set(control, sessionID: agent.sessionID)
    return AgentNotification.change(control, result: result, sessionID: agent.sessionID)
  }

  /// Runs one prompt, starting the agent first when none is there.
  func prompt(_ blocks: [JSONText]) async throws(AgentError) -> AgentStopReason {
    let agent = try await ready()
    turn += 1
    isTurnRunning = true
    defer { isTurnRunning = false }
    do {
      let stopReason = try await agent.connection.prompt(blocks, sessionID: agent.sessionID)
      hasFailed = false
      backoff.reset()
      return stopReason
    } catch {
      // The next prompt must not meet this process while it is being cleared away.
      if error.code != .refused, case .ready(let current) = state, current.connection === agent.connection {
        agent.connection.stop()
        hasFailed = true
        state = .idle
      }
      throw error
    }
  }

  /// Asks the agent to stop the running turn. One that doesn't is ended, and the turn with it.
  nonisolated func cancel() {
    demand.yield(.cancelTurn)
  }

  private func cancelTurn() {
    guard isTurnRunning, case .ready(let agent) = state else { return }
    agent.connection.cancel(sessionID: agent.sessionID)
    demand.yield(.watchCancelledTurn(turn))
  }

  /// Ends the agent for good.
  func stop() async {
    let last = state
    state = .stopped
    if case .ready(let agent) = last { await agent.connection.closeSession(agent.sessionID, agent.description) }
    connection?.stop()
    fail(AgentError(.abandoned, "The host has stopped sharing."))
    demand.finish()
  }

  private func ready() async throws(AgentError) -> Ready {
    switch state {
    case .ready(let agent): return agent
    case .stopped: throw AgentError(.abandoned, "The host has stopped sharing.")
    case .idle:
      state = .starting
      demand.yield(.start)
    case .starting: break
    }
    return try await withCheckedContinuation { waiters.append($0) }.get()
  }

  /// The life of one agent process.
  private func runAgent() async {
    if hasFailed { try? await Task.sleep(for: backoff.next()) }
    guard case .starting = state else { return }
    let connection = AgentConnection(configuration: configuration, handler: handler, logger: logger)
    self.connection = connection
    await withTaskGroup(of: AgentExit?.self) { group in
      group.addTask { try? await connection.run() }
      do {
        let description = try await connection.initialize()
        let sessionID = try await openSession(connection, description)
        lastSessionID = sessionID
        becomeReady(Ready(connection: connection, sessionID: sessionID, description: description))
      } catch {
        hasFailed = true
        logger.error("the agent can't be used", metadata: [LogKey.error: "\(error)"])
        connection.stop()
        if case .starting = state { state = .idle }
        fail(error as? AgentError ?? AgentError(.exited, "\(error)"))
      }
      if let exit = await group.next() ?? nil { note(exit) }
    }
    if self.connection === connection { self.connection = nil }
    if case .ready(let agent) = state, agent.connection === connection { state = .idle }
  }

  private func openSession(
    _ connection: AgentConnection, _ description: AgentDescription
  ) async throws(AgentError) -> String {
    if let lastSessionID {
      do {
        if try await connection.reopenSession(lastSessionID, description) { return lastSessionID }
      } catch {
        logger.info("the agent starts a new session", metadata: [LogKey.error: "\(error)"])
      }
    }
    guard let conversation, lastSessionID == nil else { return try await connection.openSession(description) }
    let sessionID = try await connection.find(conversation, description)
    // What was said before is shown once, now; a later process of the agent takes the session up without it.
    guard try await connection.reopenSession(sessionID, description, withHistory: true) else {
      throw AgentError(.incompatible, "This agent cannot go on with an earlier conversation.")
    }
    return sessionID
  }

  private func becomeReady(_ agent: Ready) {
    guard case .starting = state else { return agent.connection.stop() }
    state = .ready(agent)
    let resumed = waiters
    waiters = []
    for waiter in resumed { waiter.resume(returning: .success(agent)) }
  }

  private func fail(_ error: AgentError) {
    let resumed = waiters
    waiters = []
    for waiter in resumed { waiter.resume(returning: .failure(error)) }
  }

  private func note(_ exit: AgentExit) {
    guard case .ready = state else { return }
    // It left although nobody had asked it to.
    hasFailed = exit != .exited(status: 0)
    if !hasFailed { backoff.reset() }
    logger.warning(
      "the agent has left and the next prompt starts it again", metadata: [LogKey.error: "\(exit.sentence)"])
  }

  private func endUnlessOver(_ cancelledTurn: Int) async {
    do { try await Task.sleep(for: cancelGrace) } catch { return }
    guard isTurnRunning, turn == cancelledTurn else { return }
    logger.warning("the agent does not stop its cancelled turn and is ended")
    connection?.stop()
  }
}
