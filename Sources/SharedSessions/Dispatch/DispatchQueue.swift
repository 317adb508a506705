internal import Logging
internal import Metrics
internal import NIOCore
internal import RedisClient

/// The prompts of one host session, over all its shared sessions: one runs at a time, in approval order. A value.
///
/// The slot is held at the host session, the queues lie beside the approvals. Steps in two slots cannot be one script, so
/// they are ordered so that a crash between any two leaves something the next look repairs: the slot is taken before a
/// dispatch is handed out, and freed only after the approval says that it is over.
struct DispatchQueue: Sendable {
  let runner: ScriptRunner

  /// What an attachment should do next.
  enum Next: Sendable {
    /// Hand this out: the payload of a `dispatch` frame; when it is cancelled, the bridge must hear that next.
    case deliver(DeliveredDispatch, payload: ByteBuffer, isCancelled: Bool)
    /// Nothing waits, or the slot is taken by a turn that runs.
    case idle
    /// A newer attachment has taken over.
    case fenced
  }

  /// Finds the dispatch to hand out, if the slot is free or held by one that has not started.
  ///
  /// - Parameters:
  ///   - delivered: what this attachment has handed out already; it is handed out again only when somebody else has taken it
  ///     back meanwhile, which makes the report of the first one stale.
  func next(
    _ hostSessionID: String, fence: String, delivered: DeliveredDispatch?
  ) async throws(SharedSessionError) -> Next {
    for _ in 0..<ScriptRunner.tries {
      let host = try await runner.host(ScriptLibrary.hostRead, hostSessionID).parts(atLeast: 8)
      guard try host.text(1) == fence else { return .fenced }
      var running = RunningDispatch(
        session: try host.text(3), approval: try host.text(4), dispatch: try host.text(5))
      if running.dispatch.isEmpty {
        guard let head = try await head(of: try host.list(7)) else { return .idle }
        let taken = try await runner.host(
          ScriptLibrary.hostTake, hostSessionID,
          [
            "fence": .string(fence), "session_id": .string(head.session), "approval_id": .string(head.approval),
            "dispatch_id": .string(head.dispatch),
          ])
        if taken.refusal == "fenced" { return .fenced }
        let holder = try taken.parts(atLeast: 3)
        running = RunningDispatch(
          session: try holder.text(0), approval: try holder.text(1), dispatch: try holder.text(2))
      }
      if let delivered, running.dispatch == delivered.id {
        let now = try await state(of: running)
        // Handed out here before: a report will come.
        if now.state == "started" || (now.state == "queued" && now.attempt == delivered.attempt) { return .idle }
        if now.state != "queued" {
          try await runner.wake(hostSessionID, freeing: running.dispatch, fence: fence)
          continue
        }
      }
      switch try await lease(running, fence: fence) {
      case .ok(let parts), .repeated(_, let parts):
        return .deliver(
          DeliveredDispatch(id: running.dispatch, attempt: try parts.number(2)), payload: try parts.part(0),
          isCancelled: try parts.text(1) == "true")
      case .refused("gone", let detail) where detail.first == "started": return .idle
      case .refused("fenced", _): return .fenced
      case .refused: break
      }
      // It is over, or its session is gone: the slot is free for the next one.
      try await runner.wake(hostSessionID, freeing: running.dispatch, fence: fence)
    }
    return .idle
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
    await runner.announce(requests: try parts.texts(from: 2), of: place.session, to: hostSessionID)
    return try parts.part(0)
  }

  /// Ends what a bridge that is gone has left: a turn that had started fails, since nobody knows its outcome; one that had
  /// not is taken back, so that a late report of it is stale. Then the slot is free. Nothing happens to what a newer
  /// attachment than `fence` has taken up.
  func abandon(
    _ hostSessionID: String, _ running: RunningDispatch, fence: String, message: String
  ) async throws(SharedSessionError) {
    guard !running.dispatch.isEmpty else { return }
    // Taking it back and its start can cross; whichever came first decides.
    switch try await lease(running, fence: fence) {
    case .refused("fenced", _): return
    case .refused("gone", let detail) where detail.first == "started":
      _ = try await fail(running, of: hostSessionID, message: message)
    default: break
    }
    try await runner.wake(hostSessionID, freeing: running.dispatch)
  }

  /// Ends a turn that a bridge which may be another one has found running and has not claimed by a report since it attached.
  func failIfUnclaimed(
    _ hostSessionID: String, _ running: RunningDispatch, since: Int
  ) async throws(SharedSessionError) {
    let outcome = try await fail(
      running, of: hostSessionID,
      message:
        "the bridge that ran this prompt was lost and the one that came back did not claim it, so its outcome is unknown",
      unlessReportedSince: since)
    if outcome.refusal == nil { try await runner.wake(hostSessionID, freeing: running.dispatch) }
  }

  /// Fails a turn that had started, and withdraws what the agent asked in it.
  private func fail(
    _ running: RunningDispatch, of hostSessionID: String, message: String, unlessReportedSince since: Int? = nil
  ) async throws(SharedSessionError) -> ScriptOutcome {
    let outcome = try await runner.session(
      ScriptLibrary.dispatchFail, running.session,
      [
        "id": .string(running.approval), "dispatch_id": .string(running.dispatch), "message": .quoted(message),
        "since": .string(since.map(String.init) ?? ""),
      ])
    if case .ok(let parts) = outcome {
      Self.countFailed("lost")
      await runner.announce(requests: parts.compactMap(\.string), of: running.session, to: hostSessionID)
    }
    return outcome
  }

  /// Counts dispatches that the service has failed.
  static func countFailed(_ cause: String, _ count: Int = 1) {
    Counter(label: "tandem.dispatches.given_up", dimensions: [("cause", cause)]).increment(by: Int64(count))
  }

  /// The first approval over all queues of a host session, all asked in one trip.
  private func head(of sessions: [String]) async throws(SharedSessionError) -> RunningDispatch? {
    let runner = runner
    let heads = await withTaskGroup(of: Result<(order: Int, head: RunningDispatch)?, any Error>.self) { group in
      for id in sessions {
        group.addTask {
          do {
            let parts = try await runner.session(ScriptLibrary.dispatchNext, id).parts()
            guard parts.count == 3 else { return .success(nil) }
            let head = RunningDispatch(session: id, approval: try parts.text(1), dispatch: try parts.text(2))
            return .success((try parts.number(0), head))
          } catch { return .failure(error) }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    var best: (order: Int, head: RunningDispatch)?
    for result in heads {
      do {
        if let found = try result.get(), best.map({ found.order < $0.order }) ?? true { best = found }
      } catch { throw error as? SharedSessionError ?? SharedSessionError(.internalError) }
    }
    return best?.head
  }

  private func lease(_ running: RunningDispatch, fence: String) async throws(SharedSessionError) -> ScriptOutcome {
    try await runner.session(
      ScriptLibrary.dispatchLease, running.session,
      ["id": .string(running.approval), "dispatch_id": .string(running.dispatch), "fence": .string(fence)])
  }

  private func state(of running: RunningDispatch) async throws(SharedSessionError) -> (state: String, attempt: Int) {
    let parts = try await runner.session(
      ScriptLibrary.dispatchState, running.session, ["id": .string(running.approval)]
    ).parts(atLeast: 2)
    return (try parts.text(0), try parts.number(1))
  }
}

/// What holds a host session's running slot; all texts are empty when nothing does. A value.
struct RunningDispatch: Sendable, Hashable {
  let session: String
  let approval: String
  let dispatch: String
}

/// A dispatch as it was handed out. A value.
struct DeliveredDispatch: Sendable, Hashable {
  let id: String
  let attempt: Int
}
