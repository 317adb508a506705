import Basics
import Synchronization

/// One question of the agent, carried through the shared session; safe to share, its state machine sits in a `Mutex`.
///
/// It is carried by a task that outlives the one that asks: a question that isn't needed any more has to be withdrawn,
/// also when no node can be reached just then.
final class PermissionQuestion: Sendable {
  typealias Machine = PermissionQuestionStateMachine

  /// The calls it takes, each replaceable in a test.
  struct Work: Sendable {
    /// Asks, and gives the approval's id. A repeat of the same size changes nothing.
    var ask: @Sendable (PermissionBody.Size) async throws(NodeError) -> String
    var look: @Sendable (String) async throws(NodeError) -> PermissionNotice
    /// Answers as the host. A repeat changes nothing.
    var answer: @Sendable (_ approvalID: String, _ optionID: String) async throws(NodeError) -> Void
    var withdraw: @Sendable (String) async throws(NodeError) -> Void
    /// The host's answer doesn't count, and why.
    var answerRefused: @Sendable (NodeError) async -> Void
  }

  private let machine: Mutex<Machine>
  /// Set when something has happened since the last step was decided on; then replaced.
  private let changed = Mutex(Latch())
  private let over = Latch()
  private let end = Mutex<Machine.End?>(nil)

  init(size: PermissionBody.Size, hasOptions: Bool = true) {
    machine = Mutex(Machine(size: size, hasOptions: hasOptions))
  }

  /// How it ended; nil when the task is cancelled before.
  func outcome() async -> Machine.End? {
    await over.wait()
    return end.withLock { $0 }
  }

  /// It is not carried at all.
  func refuse(_ error: NodeError) {
    finish(.refused(error))
  }

  /// Something has happened.
  func change(_ body: @Sendable (inout Machine) -> Void) {
    machine.withLock { body(&$0) }
    let signal = changed.withLock { signal in
      defer { signal = Latch() }
      return signal
    }
    signal.set()
  }

  /// Carries the question until it has ended, or until the task is cancelled.
  ///
  /// - Parameter interval: how long to wait for word of the answer before asking for it.
  func carry(_ work: Work, interval: Duration) async {
    var backoff = Backoff()
    while !Task.isCancelled {
      // Taken before the step is decided on: what happens after that is not missed.
      let signal = changed.withLock { $0 }
      var isUnreachable = false
      switch machine.withLock({ $0.next() }) {
      case .ask(let size):
        isUnreachable = await call({ $0.asked($1) }) { () async throws(NodeError) in try await work.ask(size) }
      case .look(let id):
        isUnreachable = await call({ $0.looked($1) }) { () async throws(NodeError) in try await work.look(id) }
      case .withdraw(let id):
        isUnreachable = await call({ $0.withdrew($1) }) { () async throws(NodeError) in try await work.withdraw(id) }
      case .answer(let id, let option):
        let problem = Mutex<NodeError?>(nil)
        isUnreachable = await call({ machine, result in problem.withLock { $0 = machine.answered(result) } }) {
          () async throws(NodeError) in try await work.answer(id, option)
        }
        if let problem = problem.withLock({ $0 }) { await work.answerRefused(problem) }
      case .wait:
        await wait(for: signal, atMost: interval)
        if !signal.isSet { machine.withLock { $0.lookAgain() } }
      case .end(let end): return finish(end)
      }
      if isUnreachable {
        await wait(for: signal, atMost: backoff.next())
      } else {
        backoff.reset()
      }
    }
    finish(.refused(.stopped))
  }

  /// Makes a call and gives its result to the machine.
  ///
  /// - Returns: whether no node could be reached.
  private func call<Value: Sendable>(
    _ note: (inout Machine, Result<Value, NodeError>) -> Void, _ body: () async throws(NodeError) -> Value
  ) async -> Bool {
    let result: Result<Value, NodeError>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    machine.withLock { note(&$0, result) }
    if case .failure(let error) = result { return error.isPassing }
    return false
  }

  private func wait(for signal: Latch, atMost time: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await signal.wait() }
      group.addTask { try? await Task.sleep(for: time) }
      await group.next()
      group.cancelAll()
    }
  }

  private func finish(_ end: Machine.End) {
    self.end.withLock { $0 = $0 ?? end }
    over.set()
  }
}
