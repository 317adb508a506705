internal import NIOCore
internal import RedisClient

/// Ends sessions. A value.
///
/// The first step makes a session ended for every call; what is open in it ends in steps of bounded work, most often all in
/// that first one. Whatever is left is gone on with by the sweepers, off the request.
struct SessionCloser: Sendable {
  /// Who ends the session.
  enum Cause: String, Sendable {
    case close, leave, expire, host
  }

  let runner: ScriptRunner
  let index: SessionIndex

  /// Ends a session.
  ///
  /// - Returns: the outcome of `session_end.lua`; `not_due` for an expiry that is not.
  func close(
    _ sessionID: String, _ cause: Cause, by credentials: ParticipantCredentials? = nil,
    idempotency: Idempotency? = nil
  ) async throws(SharedSessionError) -> ScriptOutcome {
    let outcome = try await runner.session(
      ScriptLibrary.sessionEnd, sessionID, as: credentials.map(ScriptRunner.Caller.participant) ?? .service,
      once: idempotency, ["cause": .string(cause.rawValue)])
    if case .ok(let parts) = outcome {
      let session = Listed(
        id: sessionID, hostSessionID: try parts.text(4), workspaceID: try parts.text(5))
      await retire(session, isDone: try parts.text(3) == "true", withdrawn: try parts.texts(from: 6))
    }
    return outcome
  }

  /// Goes on with the end of a session for a while.
  ///
  /// - Returns: whether the session is gone. Else somebody looks again, also when all of it has ended by now: whoever took the
  ///   first step may have died before it told the other slots.
  func goOn(_ sessionID: String) async throws(SharedSessionError) -> Bool {
    for _ in 0..<Self.stepsAtOnce {
      let outcome = try await runner.session(ScriptLibrary.sessionEndStep, sessionID)
      if outcome.refusal == ErrorCode.sessionNotFound.rawValue { return true }
      let parts = try outcome.parts(atLeast: 2)
      await runner.announce(requests: try parts.texts(from: 2), of: sessionID, to: try parts.text(1))
      if try parts.text(0) == "true" { return false }
    }
    return false
  }

  /// Steps of one session a sweeper takes before it looks at others.
  private static let stepsAtOnce = 25

  /// The other slots' part, which may be late or lost: a sweeper finds what is missing.
  private func retire(_ session: Listed, isDone: Bool, withdrawn: [String]) async {
    let (runner, index, goneIn) = (runner, index, runner.settings.retention + .seconds(1))
    await runner.announce(requests: withdrawn, of: session.id, to: session.hostSessionID)
    await runner.hint("end", of: session.id, [{ try await index.retire(session, goneIn: goneIn, isDone: isDone) }])
  }
}
