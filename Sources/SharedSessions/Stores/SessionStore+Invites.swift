public import NIOCore
internal import RedisClient

/// How others get into a session: its own invite, and scoped ones beside it.
extension SessionStore {
  /// `POST .../invite`: the old invite stops working at once.
  ///
  /// - Returns: `{inviteToken}`.
  public func rotateInvite(
    _ sessionID: String, credentials: ParticipantCredentials, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let repeatable = idempotency.map(Idempotency.init)
    var token = Secrets.newToken()
    let outcome = try await runner.session(
      ScriptLibrary.inviteRotate, sessionID, by: credentials, idempotency: repeatable, sealing: [token],
      arguments: [.string(Secrets.digest(token))])
    _ = try outcome.parts()
    if case .repeated(let sealed, _) = outcome, let repeatable, let first = try repeatable.open(sealed).first {
      token = first
    }
    return ReplyBody.object([("inviteToken", ReplyBody.quoted(token))])
  }

  /// Checks what is asked of a scoped invite, before anything is known about the caller.
  ///
  /// - Throws: `INVALID_FIELD`.
  public func check(_ request: CreateInvite) throws(SharedSessionError) {
    guard request.role != .host else {
      throw SharedSessionError(.invalidField, "'role' must be 'collaborator' or 'viewer'.")
    }
    guard request.maximumUses.map({ (1...1_000_000).contains($0) }) ?? true else {
      throw SharedSessionError(.invalidField, "'maxUses' must be from 1 to 1000000.")
    }
    _ = try lifetime(minutes: request.expiresInMinutes)
  }

  /// `POST .../invites`: a further invite with a role at most, a number of uses and an end of its own.
  ///
  /// - Returns: `{invite, inviteToken}`.
  /// - Throws: `HOST_REQUIRED`, `INVITE_LIMIT`, `INVALID_FIELD`.
  public func createInvite(
    _ sessionID: String, _ request: CreateInvite, credentials: ParticipantCredentials,
    idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    try check(request)
    let lifetime = try lifetime(minutes: request.expiresInMinutes)
    let repeatable = idempotency.map(Idempotency.init)
    let (id, keys) = (Secrets.newID(), runner.keys)
    var token = Secrets.newToken()
    let outcome = try await runner.session(
      ScriptLibrary.inviteCreate, sessionID, by: credentials, idempotency: repeatable, sealing: [token],
      keys: [keys.invites(sessionID), keys.inviteTokens(sessionID), keys.invite(sessionID, id)],
      arguments: [
        .string(id), .string(Secrets.digest(token)), .string(request.role.rawValue), .string(request.label ?? ""),
        .string(request.maximumUses.map(String.init) ?? ""), .string(lifetime.map { String($0.milliseconds) } ?? ""),
        .integer(settings.maximumInvites),
      ])
    let parts = try outcome.parts(atLeast: 1)
    if case .repeated(let sealed, _) = outcome, let repeatable, let first = try repeatable.open(sealed).first {
      token = first
    }
    return ReplyBody.object([("invite", try parts.part(0)), ("inviteToken", ReplyBody.quoted(token))])
  }

  /// `GET .../invites`: the scoped invites, oldest first, without their tokens.
  ///
  /// - Returns: `{invites}`.
  /// - Throws: `HOST_REQUIRED`.
  public func invites(
    _ sessionID: String, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    let (runner, list) = (runner, runner.keys.invites(sessionID))
    var outcome = ScriptOutcome.refused("retry", detail: "")
    for _ in 0..<ScriptRunner.tries where outcome.refusal == "retry" {
      let ids = try await runner.send("ZRANGE", key: list, 0, -1).array?.compactMap(\.string) ?? []
      outcome = try await runner.session(
        ScriptLibrary.inviteList, sessionID, by: credentials,
        keys: [list] + ids.map { runner.keys.invite(sessionID, $0) })
    }
    return ReplyBody.object([("invites", try outcome.parts(atLeast: 1).part(0))])
  }

  /// `DELETE .../invites/{iid}`: it stops working at once.
  ///
  /// - Returns: `{invite}`.
  /// - Throws: `HOST_REQUIRED`, `INVITE_NOT_FOUND`.
  public func revokeInvite(
    _ sessionID: String, inviteID: String, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    let keys = runner.keys
    let parts = try await runner.session(
      ScriptLibrary.inviteRevoke, sessionID, by: credentials,
      keys: [
        keys.invite(sessionID, Secrets.isID(inviteID) ? inviteID : "-"), keys.inviteTokens(sessionID),
      ], arguments: [.string(inviteID)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("invite", try parts.part(0))])
  }
}
