internal import Logging
internal import NIOCore
internal import RedisClient

/// Ends sessions, and looks after the lifetime of their members' keys. A value.
struct SessionCloser: Sendable {
  /// Who ends the session.
  enum Cause: String, Sendable {
    case close, leave, expire, host
  }

  let runner: ScriptRunner
  let index: SessionIndex

  /// Ends a session with everything that is open in it, in one script; then takes it out of the indexes of active ones.
  ///
  /// - Returns: the outcome of `session_close.lua`; `not_due` for an expiry that is not.
  func close(
    _ sessionID: String, _ cause: Cause, by credentials: ParticipantCredentials? = nil,
    idempotency: Idempotency? = nil
  ) async throws(SharedSessionError) -> ScriptOutcome {
    let (runner, keys) = (runner, runner.keys)
    var waiting: [String] = []
    let outcome = try await runner.withMembers(sessionID) { members async throws(SharedSessionError) in
      let present = members.present.map { keys.participant(sessionID, $0) }
      let pending = members.pending.map { keys.approval(sessionID, $0.approval) }
      let authors = members.pending.map { keys.participant(sessionID, $0.author) }
      let queued = members.queued.map { keys.approval(sessionID, $0) }
      let permissions = members.permissions.map { keys.approval(sessionID, $0) }
      waiting = members.permissions
      return try await runner.session(
        ScriptLibrary.sessionClose, sessionID, participantID: credentials?.participantID ?? "",
        tokenDigest: credentials.map { Secrets.digest($0.token) } ?? "", idempotency: idempotency,
        keys: [
          keys.users(sessionID), keys.pending(sessionID), keys.queue(sessionID), keys.expiring(sessionID),
          keys.permissions(sessionID),
        ] + present + pending + authors + queued + permissions,
        arguments: [
          .string(cause.rawValue), .integer(present.count), .integer(pending.count), .integer(queued.count),
          .integer(Int(runner.settings.retention.milliseconds)), .integer(permissions.count),
        ])
    }
    if case .ok(let parts) = outcome {
      await runner.announce(permissions: waiting, of: sessionID)
      await afterClose(sessionID, purgeAt: try parts.number(2))
    }
    return outcome
  }

  /// What follows a close and may be late or lost without harm: indexes, shorter key lifetimes, the host's next dispatch.
  private func afterClose(_ sessionID: String, purgeAt: Int) async {
    do {
      if let hostSessionID = try await index.retire(sessionID) {
        _ = try await runner.host(ScriptLibrary.hostRelease, hostSessionID, arguments: [""])
      }
      try await limitMembers(sessionID, to: purgeAt)
    } catch {
      runner.logger.info(
        "A closed session was not tidied up; the sweeper and its keys' lifetime will do it",
        metadata: ["session.id": .string(sessionID)])
    }
  }

  /// Gives the keys of a session's members at least this long from now.
  func extendMembers(_ sessionID: String, by time: Duration) async throws(SharedSessionError) {
    let until = try await index.now() + Int(time.milliseconds)
    try await eachMemberKey(sessionID) { key async throws(SharedSessionError) in
      try await runner.send("PEXPIREAT", key: key, .integer(until), "GT")
    }
  }

  /// Lets the keys of an ended session's members go when the session itself goes.
  private func limitMembers(_ sessionID: String, to purgeAt: Int) async throws(SharedSessionError) {
    let limit = { (key: String) async throws(SharedSessionError) in
      _ = try await runner.send("PEXPIREAT", key: key, .integer(purgeAt), "LT")
    }
    try await eachMemberKey(sessionID, limit)
    let answers = runner.keys.idempotencyKeys(sessionID)
    for digest in try await runner.send("ZRANGE", key: answers, 0, -1).array?.compactMap(\.string) ?? [] {
      try await limit(runner.keys.idempotency(sessionID, digest))
    }
    try await limit(answers)
  }

  private func eachMemberKey(
    _ sessionID: String, _ body: (String) async throws(SharedSessionError) -> Void
  ) async throws(SharedSessionError) {
    let keys = runner.keys
    for key in [
      keys.participants(sessionID), keys.users(sessionID), keys.messages(sessionID), keys.approvals(sessionID),
      keys.pending(sessionID), keys.queue(sessionID), keys.events(sessionID), keys.expiring(sessionID),
      keys.invites(sessionID), keys.inviteTokens(sessionID), keys.permissions(sessionID),
    ] { try await body(key) }
    for (list, name) in [
      (keys.participants(sessionID), { keys.participant(sessionID, $0) }),
      (keys.approvals(sessionID), { keys.approval(sessionID, $0) }),
      (keys.invites(sessionID), { keys.invite(sessionID, $0) }),
    ] {
      var start = 0
      while true {
        let ids = try await runner.send("ZRANGE", key: list, .integer(start), .integer(start + 499)).array ?? []
        for id in ids.compactMap(\.string) { try await body(name(id)) }
        guard ids.count == 500 else { break }
        start += 500
      }
    }
  }
}
