internal import RedisClient

/// The ids of what belongs to a session, as read a moment ago; the script that gets them as keys checks that they still are all. A value.
struct SessionMembers: Sendable {
  /// Newest first.
  let participants: [String]
  let participantsEver: Int
  /// Newest first.
  let approvals: [String]
  let approvalsEver: Int
  let pending: [(approval: String, author: String)]
  let queued: [String]
  let present: [String]
  let hostParticipant: String
  /// Permission requests that wait for an answer.
  let permissions: [String]
}

extension ScriptRunner {
  /// Reads the ids of a session's members.
  func members(_ sessionID: String) async throws(SharedSessionError) -> SessionMembers {
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    let parts = try await run(
      ScriptLibrary.sessionMembers,
      keys: [
        keys.session(sessionID), keys.participants(sessionID), keys.approvals(sessionID), keys.pending(sessionID),
        keys.queue(sessionID), keys.users(sessionID), keys.permissions(sessionID),
      ], arguments: [.integer(settings.snapshotLimit)]
    ).parts(atLeast: 9)
    let flat = try parts.list(4)
    let pending = stride(from: 0, to: flat.count - 1, by: 2).map { (approval: flat[$0], author: flat[$0 + 1]) }
    let waiting = try parts.list(8)
    return SessionMembers(
      participants: try parts.list(0), participantsEver: try parts.number(1), approvals: try parts.list(2),
      approvalsEver: try parts.number(3), pending: pending, queued: try parts.list(5), present: try parts.list(6),
      hostParticipant: try parts.text(7),
      permissions: stride(from: 0, to: waiting.count, by: 2).map { waiting[$0] })
  }

  /// Runs an operation on fresh ids until the ids were still right when its script ran.
  func withMembers(
    _ sessionID: String, _ body: (SessionMembers) async throws(SharedSessionError) -> ScriptOutcome
  ) async throws(SharedSessionError) -> ScriptOutcome {
    var outcome = try await body(try await members(sessionID))
    for _ in 1..<Self.tries where outcome.refusal == "retry" {
      outcome = try await body(try await members(sessionID))
    }
    return outcome
  }
}
