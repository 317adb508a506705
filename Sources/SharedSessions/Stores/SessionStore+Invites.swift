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
      ScriptLibrary.inviteRotate, sessionID, as: .participant(credentials), once: repeatable, sealing: [token],
      ["invite_hash": .string(Secrets.digest(token))])
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
    var token = Secrets.newToken()
    let outcome = try await runner.session(
      ScriptLibrary.inviteCreate, sessionID, as: .participant(credentials), once: repeatable, sealing: [token],
      [
        "id": .string(Secrets.newID()), "invite_hash": .string(Secrets.digest(token)),
        "role": .string(request.role.rawValue), "label": .quoted(request.label),
        "uses": .string(request.maximumUses.map(String.init) ?? ""), "lifetime": .milliseconds(lifetime),
        "most": .integer(settings.maximumInvites),
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
    let parts = try await runner.session(ScriptLibrary.inviteList, sessionID, as: .participant(credentials))
      .parts(atLeast: 1)
    return ReplyBody.object([("invites", try parts.part(0))])
  }

  /// `DELETE .../invites/{iid}`: it stops working at once.
  ///
  /// - Returns: `{invite}`.
  /// - Throws: `HOST_REQUIRED`, `INVITE_NOT_FOUND`.
  public func revokeInvite(
    _ sessionID: String, inviteID: String, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.inviteRevoke, sessionID, as: .participant(credentials),
      ["id": .string(Secrets.isID(inviteID) ? inviteID : "-")]
    ).parts(atLeast: 1)
    return ReplyBody.object([("invite", try parts.part(0))])
  }
}
