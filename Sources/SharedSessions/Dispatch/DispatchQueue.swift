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
  private var keys: KeyLayout { runner.keys }

  /// What an attachment should do next.
  enum Next: Sendable {
    /// Hand this out: the payload of a `dispatch` frame; when it is cancelled, the bridge must hear that next.
    case deliver(dispatchID: String, payload: ByteBuffer, isCancelled: Bool)
    /// Nothing waits, or the slot is taken by a turn that runs.
    case idle
    /// A newer attachment has taken over.
    case fenced
  }

  /// Finds the dispatch to hand out, if the slot is free or held by one that has not started.
  ///
  /// - Parameters:
  ///   - delivered: the dispatch this attachment has handed out already; it is not handed out again.
  func next(
    _ hostSessionID: String, fence: String, delivered: String?
  ) async throws(SharedSessionError) -> Next {
    for _ in 0..<ScriptRunner.tries {
      let host = try await runner.host(ScriptLibrary.hostRead, hostSessionID).parts(atLeast: 8)
      guard try host.text(1) == fence else { return .fenced }
      var place = (session: try host.text(3), approval: try host.text(4), dispatch: try host.text(5))
      if place.dispatch.isEmpty {
        guard let head = try await head(of: try host.list(6)) else { return .idle }
        let taken = try await runner.host(
          ScriptLibrary.hostTake, hostSessionID, keys: [keys.hostDispatch(hostSessionID, head.dispatch)],
          arguments: [.string(fence), .string(head.session), .string(head.approval), .string(head.dispatch)])
        if taken.refusal == "fenced" { return .fenced }
        let holder = try taken.parts(atLeast: 3)
        place = (try holder.text(0), try holder.text(1), try holder.text(2))
      }
      if place.dispatch == delivered {
        // Handed out here before: a report will come, unless the approval was ended by somebody else meanwhile.
        guard try await isOver(place.session, place.approval) else { return .idle }
      } else {
        let lease = try await lease(place.session, place.approval, place.dispatch)
        switch lease {
        case .ok(let parts), .repeated(_, let parts):
          return .deliver(
            dispatchID: place.dispatch, payload: try parts.part(0), isCancelled: try parts.text(2) == "true")
        case .refused("gone", "started"): return .idle
        case .refused: break
        }
      }
      // It is over, or its session is gone: the slot is free for the next one.
      try await release(hostSessionID, place.dispatch)
    }
    return .idle
  }

  /// Records a bridge's report, and frees the slot when the dispatch is over.
  ///
  /// - Returns: the dispatch as JSON.
  func report(
    _ hostSessionID: String, dispatchID: String, _ report: DispatchReport
  ) async throws(SharedSessionError) -> ByteBuffer {
    guard let place = try await runner.dispatchPlace(hostSessionID, dispatchID) else {
      throw SharedSessionError(.dispatchNotFound)
    }
    let (runner, keys, session) = (runner, keys, place.session)
    let outcome = try await runner.withWaitingPermissions(session, of: dispatchID) {
      waiting async throws(SharedSessionError) in
      try await runner.session(
        ScriptLibrary.dispatchReport, session,
        keys: [keys.approval(session, place.approval), keys.queue(session), keys.permissions(session)]
          + waiting.map { keys.approval(session, $0) },
        arguments: [
          .string(dispatchID), .string(report.state.rawValue), .integer(Int(report.attempt)),
          .string(report.error ?? "the agent failed without saying why"), .string(report.stopReason ?? "end_turn"),
          .integer(waiting.count),
        ])
    }
    let parts = try outcome.parts(atLeast: 2)
    // Also after a report that was there before: the node that took it may have died before it freed the slot.
    if try parts.text(1) == "true" { try await release(hostSessionID, dispatchID) }
    return try parts.part(0)
  }

  /// Ends what a bridge that is gone has left: a turn that had started fails, since nobody knows its outcome; one that had
  /// not is taken back, so that a late report of it is stale. Then the slot is free.
  func abandon(
    _ hostSessionID: String, _ running: RunningDispatch, message: String
  ) async throws(SharedSessionError) {
    let (session, approval, dispatch) = (running.session, running.approval, running.dispatch)
    guard !dispatch.isEmpty else { return }
    // Taking it back and its start can cross; whichever came first decides.
    let taken = try await lease(session, approval, dispatch)
    if case .refused("gone", "started") = taken { _ = try await fail(running, message: message) }
    try await release(hostSessionID, dispatch)
  }

  /// Ends a turn that a bridge which may be another one has found running and has not claimed by a report since it attached.
  func settle(_ hostSessionID: String, _ running: RunningDispatch, since: Int) async throws(SharedSessionError) {
    let outcome = try await fail(
      running,
      message:
        "the bridge that ran this prompt was lost and the one that came back did not claim it, so its outcome is unknown",
      unlessReportedSince: since)
    if outcome.refusal == nil { try await release(hostSessionID, running.dispatch) }
  }

  /// Fails a turn that had started, and withdraws what the agent asked in it.
  private func fail(
    _ running: RunningDispatch, message: String, unlessReportedSince since: Int? = nil
  ) async throws(SharedSessionError) -> ScriptOutcome {
    let (runner, keys) = (runner, keys)
    let outcome = try await runner.withWaitingPermissions(running.session, of: running.dispatch) {
      waiting async throws(SharedSessionError) in
      try await runner.session(
        ScriptLibrary.dispatchFail, running.session,
        keys: [
          keys.approval(running.session, running.approval), keys.queue(running.session),
          keys.permissions(running.session),
        ] + waiting.map { keys.approval(running.session, $0) },
        arguments: [
          .string(running.dispatch), "lost", .string(message), .string(since.map(String.init) ?? ""),
          .integer(waiting.count),
        ])
    }
    // The slot must not be freed under a turn that could not be ended.
    if outcome.refusal == "retry" { _ = try outcome.parts() }
    if outcome.refusal == nil { givenUp(try outcome.parts(atLeast: 2).text(1)) }
    return outcome
  }

  /// What became of a dispatch that was looked at because it may have waited too long.
  enum Overdue: Sendable, Hashable {
    /// It has failed, now.
    case failed
    /// It waits no longer, for another reason.
    case gone
    /// It will have waited too long at this time, in milliseconds.
    case due(Int)
  }

  /// Fails a dispatch that has waited too long for its bridge, or for its host to come back.
  func giveUp(_ sessionID: String, approvalID: String) async throws(SharedSessionError) -> Overdue {
    let grace = runner.settings.hostGrace
    let outcome = try await runner.session(
      ScriptLibrary.dispatchFail, sessionID,
      keys: [keys.approval(sessionID, approvalID), keys.queue(sessionID), keys.permissions(sessionID)],
      arguments: [
        "", "overdue", "host agent unavailable", "", 0, .integer(Int(grace.milliseconds)),
        .string("the host went offline and did not come back within \(grace.inWords)"),
      ])
    if case .refused("not_due", let due) = outcome { return Int(due).map(Overdue.due) ?? .gone }
    guard outcome.refusal == nil else { return .gone }
    givenUp(try outcome.parts(atLeast: 2).text(1))
    return .failed
  }

  /// Counts a dispatch that the service has failed.
  private func givenUp(_ cause: String) {
    Counter(label: "tandem.dispatches.given_up", dimensions: [("cause", cause)]).increment()
  }

  /// Frees the slot of a dispatch that is over and wakes the attachment.
  func release(_ hostSessionID: String, _ dispatchID: String) async throws(SharedSessionError) {
    let outcome = try await runner.host(
      ScriptLibrary.hostRelease, hostSessionID, arguments: [.string(dispatchID)])
    if outcome.refusal != ErrorCode.hostSessionNotFound.rawValue { _ = try outcome.parts() }
  }

  /// The first approval over all queues of a host session.
  private func head(
    of sessions: [String]
  ) async throws(SharedSessionError) -> (session: String, approval: String, dispatch: String)? {
    var best: (order: Int, session: String, approval: String)?
    for id in sessions {
      let parts = try await runner.run(
        ScriptLibrary.dispatchNext, keys: [keys.session(id), keys.queue(id)], arguments: []
      ).parts()
      guard parts.count == 2 else { continue }
      let order = try parts.number(0)
      if best == nil || order < best!.order { best = (order, id, try parts.text(1)) }
    }
    guard let best else { return nil }
    let key = keys.approval(best.session, best.approval)
    guard let dispatch = try await runner.send("HGET", key: key, "dispatchId").string else { return nil }
    return (best.session, best.approval, dispatch)
  }

  private func lease(
    _ session: String, _ approval: String, _ dispatch: String
  ) async throws(SharedSessionError) -> ScriptOutcome {
    let key = keys.approval(session, approval)
    let author = try await runner.send("HGET", key: key, "participantId").string ?? ""
    return try await runner.session(
      ScriptLibrary.dispatchLease, session, participantID: author, keys: [key, keys.queue(session)],
      arguments: [.string(dispatch), .integer(Int(runner.settings.dispatchTimeout.milliseconds))])
  }

  private func isOver(_ session: String, _ approval: String) async throws(SharedSessionError) -> Bool {
    let state = try await runner.send("HGET", key: keys.approval(session, approval), "dispatchState").string
    return state != "queued" && state != "started"
  }
}

/// What holds a host session's running slot; all texts are empty when nothing does. A value.
struct RunningDispatch: Sendable, Hashable {
  let session: String
  let approval: String
  let dispatch: String
}
