import AgentClientProtocol
import Basics
import Logging
import Observability
import Synchronization

/// Runs dispatches one at a time; safe to share, its state machine sits in a `Mutex`.
final class DispatchRunner: Sendable {
  typealias Machine = DispatchRunnerStateMachine

  /// What running a dispatch takes, each replaceable in a test.
  struct Work: Sendable {
    var reportStarted: @Sendable (Dispatch) async throws(NodeError) -> HostAPI.ReportAnswer
    /// Notes that the prompt is begun, so that no other process begins it again.
    var noteBegun: @Sendable (Dispatch) throws(HostJournal.Failure) -> Void = { _ in }
    /// Runs the prompt. Throws when there is no turn or it broke off.
    var prompt: @Sendable (Dispatch) async throws(AgentError) -> AgentStopReason
    /// Asks the agent to stop the turn.
    var cancelTurn: @Sendable () -> Void
    /// Returns when everything the agent has said is published.
    var flush: @Sendable () async -> Void
    var reportEnd: @Sendable (Dispatch, Machine.End) async throws(NodeError) -> HostAPI.ReportAnswer
  }

  private let work: Work
  private let logger: Logger
  private let machine: Mutex<Machine>
  private let steps: AsyncStream<Machine.Action>
  private let step: AsyncStream<Machine.Action>.Continuation
  private let idleWaiters = Mutex<[Latch]>([])

  init(work: Work, logger: Logger, machine: Machine = Machine()) {
    self.work = work
    self.logger = logger
    self.machine = Mutex(machine)
    // Not bounded here: the machine has at most one step under way.
    (steps, step) = AsyncStream.makeStream()
  }

  /// A message of the stream has come.
  func receive(_ message: DispatchMessage) async throws(NodeError) {
    switch message {
    case .attached(let fence):
      logger.info("attached", metadata: [LogKey.fence: "\(fence)"])
      change { $0.attached() }
    case .dispatch(let dispatch):
      for case .reclaim(let again) in change({ $0.delivered(dispatch) }) {
        let answer = try await work.reportStarted(again)
        change { $0.reclaimed(again, answer) }
      }
    case .cancel(let id): change { $0.cancelled(id) }
    case .permission, .other: break
    }
  }

  /// Starts nothing new and asks a running turn to stop; `run()` returns when it has ended.
  func stop() {
    change { $0.stop() }
  }

  /// Whether nothing runs or waits.
  var isIdle: Bool { machine.withLock { $0.isIdle } }

  /// The dispatch whose turn runs.
  var running: Dispatch? { machine.withLock { $0.running } }

  /// Returns when nothing runs or waits any more, or when the task is cancelled.
  func waitUntilIdle() async {
    let idle = Latch()
    idleWaiters.withLock { $0.append(idle) }
    resumeIfIdle()
    await idle.wait()
  }

  /// Works until `stop()` was called and the running turn has ended.
  ///
  /// - Throws: `NodeError.stopped` when the task is cancelled.
  func run() async throws(NodeError) {
    defer { resumeIdleWaiters() }
    for await action in steps {
      switch action {
      case .reportStarted(let dispatch):
        let answer = try await work.reportStarted(dispatch)
        change { $0.startedAnswered(dispatch, answer) }
      case .prompt(let dispatch):
        let end = await run(dispatch)
        change { $0.ended(dispatch, end) }
      case .reportEnd(let dispatch, let end):
        // Everything the turn has brought comes before its end, for everybody.
        await work.flush()
        let answer = try await work.reportEnd(dispatch, end)
        change { $0.endAnswered(dispatch, answer) }
      case .stopped: return
      case .cancelTurn, .reclaim, .note: break
      }
      resumeIfIdle()
    }
  }

  private func run(_ dispatch: Dispatch) async -> Machine.End {
    logger.info("a prompt runs", metadata: Self.metadata(dispatch.id))
    do throws(HostJournal.Failure) {
      try work.noteBegun(dispatch)
    } catch {
      logger.error("a prompt is not run", metadata: Self.metadata(dispatch.id, [LogKey.error: "\(error)"]))
      return .failed("This prompt was not run: the bridge could not note that it begins.")
    }
    do {
      return .completed(stopReason: try await work.prompt(dispatch).rawValue)
    } catch {
      logger.warning("a prompt failed", metadata: Self.metadata(dispatch.id, [LogKey.error: "\(error)"]))
      return .failed(error.message)
    }
  }

  @discardableResult
  private func change(_ transition: (inout Machine) -> [Machine.Action]) -> [Machine.Action] {
    // Steps are handed on under the lock, which only puts them in a queue: their order is the machine's.
    let actions = machine.withLock { machine in
      let actions = transition(&machine)
      for action in actions where Self.isStep(action) { step.yield(action) }
      return actions
    }
    for action in actions {
      switch action {
      case .cancelTurn: work.cancelTurn()
      case .note(let note): log(note)
      default: break
      }
    }
    return actions
  }

  private static func isStep(_ action: Machine.Action) -> Bool {
    switch action {
    case .reportStarted, .prompt, .reportEnd, .stopped: true
    case .cancelTurn, .reclaim, .note: false
    }
  }

  private func resumeIfIdle() {
    if isIdle { resumeIdleWaiters() }
  }

  private func resumeIdleWaiters() {
    let waiters = idleWaiters.withLock { waiters in
      defer { waiters = [] }
      return waiters
    }
    for waiter in waiters { waiter.set() }
  }

  private func log(_ note: Machine.Note) {
    switch note {
    case .deliveredAgain(let id):
      logger.debug("a dispatch that has run was delivered again", metadata: Self.metadata(id))
    case .queueFull(let id): logger.warning("too many dispatches wait", metadata: Self.metadata(id))
    case .notOurs(let id): logger.warning("a dispatch has ended or moved elsewhere", metadata: Self.metadata(id))
    case .cannotReport(let id, let reason):
      logger.error("a dispatch can't be reported", metadata: Self.metadata(id, [LogKey.error: "\(reason)"]))
    }
  }

  private static func metadata(_ id: String, _ more: Logger.Metadata = [:]) -> Logger.Metadata {
    more.merging([LogKey.dispatchID: "\(id)"]) { $1 }
  }
}
