internal import Metrics
internal import NIOCore
internal import RedisClient

/// The prompts of one host session, over all its shared sessions: one runs at a time, in approval order. A value.
///
/// What to do next is decided by `DispatchStep`; here it is done.
struct DispatchQueue: Sendable {
  let runner: ScriptRunner

  /// Finds the dispatch to hand out, if the slot is free or held by one that has not started.
  ///
  /// - Parameter delivered: what this attachment has handed out already.
  func next(
    _ hostSessionID: String, fence: Int, delivered: DeliveredDispatch?
  ) async throws(SharedSessionError) -> DispatchStep.Next {
    var step = DispatchStep(fence: fence, delivered: delivered)
    var action = step.first()
    while true {
      if case .finish(let next) = action { return next }
      action = step.next(after: try await perform(action, hostSessionID, fence: fence))
    }
  }

  /// Carries out one step of a look.
  func perform(
    _ action: DispatchStep.Action, _ hostSessionID: String, fence: Int
  ) async throws(SharedSessionError) -> DispatchStep.Result {
    switch action {
    case .readHost: return .host(try await runner.hostState(hostSessionID))
    case .readHeads(let sessions): return .heads(try await heads(of: sessions))
    case .take(let head):
      let taken = try await runner.host(
        ScriptLibrary.hostTake, hostSessionID,
        [
          "fence": .integer(fence), "session_id": .string(head.session), "approval_id": .string(head.approval),
          "dispatch_id": .string(head.dispatch),
        ])
      if taken.refusal == "fenced" { return .taken(nil) }
      return .taken(try RunningDispatch(in: try taken.parts(atLeast: 3), at: 0))
    case .readState(let running):
      let (state, attempt, isCancelled) = try await runner.dispatchState(running)
      return .state(state, attempt: attempt, isCancelled: isCancelled)
    case .lease(let running): return .leased(try await lease(running, fence: fence))
    case .free(let running):
      try await runner.wake(hostSessionID, freeing: running.dispatch, fence: String(fence))
      return .freed
    case .finish: throw SharedSessionError(.internalError)
    }
  }

  /// Records a bridge's report, and frees the slot when the dispatch is over.
  ///
  /// - Returns: the dispatch as JSON.
  func report(
    _ hostSessionID: String, dispatchID: String, of place: (session: String, approval: String), _ report: DispatchReport
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.dispatchReport, place.session,
      [
        "id": .string(place.approval), "dispatch_id": .string(dispatchID), "state": .string(report.state.rawValue),
        "attempt": .integer(Int(report.attempt)),
        "error": .quoted(report.error ?? "the agent failed without saying why"),
        "stop_reason": .quoted(report.stopReason ?? "end_turn"),
      ]
    ).parts(atLeast: 2)
    // Also after a report that was there before: the node that took it may have died before it freed the slot.
    if try parts.text(1) == "true" { try await runner.wake(hostSessionID, freeing: dispatchID) }
    return try parts.part(0)
  }

  /// Ends what a bridge that is gone has left: a turn that had started fails, since nobody knows its outcome; one that had
  /// not is taken back, so that a late report of it is stale. Then the slot is free. Nothing happens to what a newer
  /// attachment than `fence` has taken up.
  func failAfterBridgeLoss(
    _ hostSessionID: String, _ running: RunningDispatch, fence: Int, message: String
  ) async throws(SharedSessionError) {
    // Taking it back and its start can cross; whichever came first decides.
    switch try await lease(running, fence: fence) {
    case .fenced: return
    case .started, .stopping: _ = try await fail(running, message: message)
    case .handedOut, .over: break
    }
    try await runner.wake(hostSessionID, freeing: running.dispatch)
  }

  /// Ends a turn that a bridge which may be another one has found running and has not claimed by a report since it attached.
  func failIfUnclaimed(
    _ hostSessionID: String, _ running: RunningDispatch, since: Int
  ) async throws(SharedSessionError) {
    let outcome = try await fail(
      running,
      message:
        "the bridge that ran this prompt was lost and the one that came back did not claim it, so its outcome is unknown",
      unlessReportedSince: since)
    if outcome.refusal == nil { try await runner.wake(hostSessionID, freeing: running.dispatch) }
  }

  /// Fails a turn that had started, and withdraws what the agent asked in it.
  private func fail(
    _ running: RunningDispatch, message: String, unlessReportedSince since: Int? = nil
  ) async throws(SharedSessionError) -> ScriptOutcome {
    let outcome = try await runner.session(
      ScriptLibrary.dispatchFail, running.session,
      [
        "id": .string(running.approval), "dispatch_id": .string(running.dispatch), "message": .quoted(message),
        "since": .string(since.map(String.init) ?? ""),
      ])
    if outcome.refusal == nil { Self.countFailed("lost") }
    return outcome
  }

  /// Counts dispatches that the service has failed.
  static func countFailed(_ cause: String, _ count: Int = 1) {
    Counter(label: "tandem.dispatches.given_up", dimensions: [("cause", cause)]).increment(by: Int64(count))
  }

  /// The first prompts of the queues of a host session, all asked in one trip.
  private func heads(of sessions: [String]) async throws(SharedSessionError) -> [DispatchStep.Head] {
    let runner = runner
    let found = await withTaskGroup(of: Result<DispatchStep.Head?, any Error>.self) { group in
      for id in sessions {
        group.addTask {
          do {
            let parts = try await runner.session(ScriptLibrary.dispatchNext, id).parts()
            guard parts.count == 3 else { return .success(nil) }
            let running = RunningDispatch(session: id, approval: try parts.text(1), dispatch: try parts.text(2))
            return .success(DispatchStep.Head(order: try parts.number(0), dispatch: running))
          } catch { return .failure(error) }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    do { return try found.compactMap { try $0.get() } } catch {
      throw error as? SharedSessionError ?? SharedSessionError(.internalError)
    }
  }

  private func lease(
    _ running: RunningDispatch, fence: Int
  ) async throws(SharedSessionError) -> DispatchStep.Lease {
    let outcome = try await runner.session(
      ScriptLibrary.dispatchLease, running.session,
      ["id": .string(running.approval), "dispatch_id": .string(running.dispatch), "fence": .integer(fence)])
    switch outcome {
    case .ok(let parts), .repeated(_, let parts):
      return .handedOut(
        attempt: try parts.number(2), payload: try parts.part(0), isCancelled: try parts.text(1) == "true")
    case .refused("fenced", _): return .fenced
    case .refused("gone", let detail) where detail.first == "started":
      return detail.last == "true" ? .stopping : .started
    case .refused: return .over
    }
  }
}
