public import NIOCore
internal import RedisClient

/// Who is in a session: join, leave, roles, removal, invites, tickets.
extension SessionStore {
  /// Access tokens of one participant that stay valid; an older one stops working when a further one is given out.
  static let tokensKept = 8

  /// `POST .../join`.
  ///
  /// - Returns: `{session, participant}`, the participant with `accessToken`.
  /// - Throws: `INVALID_INVITE_TOKEN`, `HOST_IDENTITY_RESERVED`, `USER_ALREADY_JOINED`, `SESSION_FULL`.
  public func join(
    _ sessionID: String, _ request: JoinSession, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    let repeatable = idempotency.map(Idempotency.init)
    let token = Secrets.newToken()
    let newID = Secrets.newID()
    // Most users who join are not there yet; the script says so when that is wrong.
    var presentID = ""
    var outcome = ScriptOutcome.refused("retry", detail: "")
    for _ in 0..<ScriptRunner.tries {
      outcome = try await runner.session(
        ScriptLibrary.participantJoin, sessionID, participantID: request.credentials?.participantID ?? "",
        tokenDigest: request.credentials.map { Secrets.digest($0.token) } ?? "", idempotency: repeatable,
        sealing: [token],
        keys: [
          runner.keys.participants(sessionID), runner.keys.users(sessionID),
          runner.keys.participant(sessionID, newID),
          runner.keys.participant(sessionID, presentID.isEmpty ? "-" : presentID),
        ],
        arguments: [
          .string(Secrets.digest(request.inviteToken)), .string(request.userID), .string(request.displayName ?? ""),
          .string((request.role == .host ? .collaborator : request.role).rawValue), .string(newID),
          .string(Secrets.digest(token)), .string(settings.joinReuse.rawValue), .string(presentID),
          .integer(settings.maximumParticipants), .integer(Self.tokensKept),
        ])
      guard case .refused("retry", let there) = outcome else { break }
      presentID = there
    }
    var accessToken = token
    if case .repeated(let sealed, _) = outcome, let repeatable {
      guard let first = try repeatable.open(sealed).first else { throw SharedSessionError(.internalError) }
      accessToken = first
    }
    let parts = try outcome.parts(atLeast: 2)
    return ReplyBody.object([
      ("session", try parts.part(0)),
      ("participant", ReplyBody.adding("accessToken", accessToken, to: try parts.part(1))),
    ])
  }

  /// `POST .../leave`; a host that leaves closes the session.
  ///
  /// - Returns: `{participant}`.
  public func leave(
    _ sessionID: String, credentials: ParticipantCredentials, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let repeatable = idempotency.map(Idempotency.init)
    let outcome = try await runner.session(
      ScriptLibrary.participantLeave, sessionID, by: credentials, idempotency: repeatable,
      keys: [runner.keys.users(sessionID), runner.keys.participant(sessionID, "-")], arguments: [""])
    guard outcome.refusal != "host_leaves" else {
      let parts = try await closer.close(sessionID, .leave, by: credentials, idempotency: repeatable).parts(atLeast: 2)
      return ReplyBody.object([("participant", try parts.part(1))])
    }
    // A repeat finds the first answer, which was that of a close when the host left.
    let parts = try outcome.parts(atLeast: 1)
    return ReplyBody.object([("participant", try parts.part(parts.count == 1 ? 0 : 1))])
  }

  /// `GET .../participants`: join order, departed ones included.
  ///
  /// - Returns: `{participants, truncated?}`.
  public func participants(_ sessionID: String, reader: Reader) async throws(SharedSessionError) -> ByteBuffer {
    let runner = runner
    let parts = try await runner.withMembers(sessionID) { members async throws(SharedSessionError) in
      try await runner.session(
        ScriptLibrary.participantList, sessionID, for: reader,
        keys: [runner.keys.participants(sessionID)]
          + members.participants.map { runner.keys.participant(sessionID, $0) },
        arguments: [.integer(members.participantsEver)])
    }.parts(atLeast: 2)
    return ReplyBody.object([
      ("participants", try parts.part(0)),
      ("truncated", try parts.text(1) == "true" ? ByteBuffer(string: "true") : nil),
    ])
  }

  /// `PATCH .../participants/{pid}`.
  ///
  /// - Returns: `{participant}`.
  /// - Throws: `HOST_REQUIRED`, `PARTICIPANT_NOT_FOUND`, `INVALID_FIELD` for a role that would be, or would end, the host's.
  public func changeRole(
    _ sessionID: String, participantID: String, role: Role, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    guard role != .host else {
      throw SharedSessionError(.invalidField, "'role' must be 'collaborator' or 'viewer'.")
    }
    let parts = try await runner.session(
      ScriptLibrary.participantRole, sessionID, by: credentials,
      keys: [memberKey(sessionID, participantID)],
      arguments: [.string(participantID), .string(role.rawValue)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("participant", try parts.part(0))])
  }

  /// `DELETE .../participants/{pid}`.
  ///
  /// - Returns: `{participant}`.
  /// - Throws: `HOST_REQUIRED`, `PARTICIPANT_NOT_FOUND`, `PARTICIPANT_INACTIVE`, `INVALID_FIELD` for the host.
  public func remove(
    _ sessionID: String, participantID: String, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.participantLeave, sessionID, by: credentials,
      keys: [runner.keys.users(sessionID), memberKey(sessionID, participantID)],
      arguments: [.string(participantID.isEmpty ? "-" : participantID)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("participant", try parts.part(0))])
  }

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

  /// `POST .../stream-tickets`: a single-use stand-in for credentials, for a browser's EventSource.
  ///
  /// - Returns: `{ticket, expiresAt}`.
  public func createTicket(
    _ sessionID: String, credentials: ParticipantCredentials, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let repeatable = idempotency.map(Idempotency.init)
    let ticket = Secrets.newToken()
    let now = try await index.now()
    let expiresAt = Timestamp.rfc3339(milliseconds: now + Int(settings.ticketLifetime.milliseconds))
    // Kept first: once the script has answered, a repeat must find the ticket it was promised.
    try await runner.send(
      "SET", key: runner.keys.ticket(Secrets.digest(ticket)), .string("\(sessionID) \(credentials.participantID)"),
      "PX", .integer(Int(settings.ticketLifetime.milliseconds)))
    let outcome: ScriptOutcome
    do {
      outcome = try await runner.session(
        ScriptLibrary.callerCheck, sessionID, by: credentials, idempotency: repeatable, sealing: [ticket],
        arguments: ["", .string("\"\(expiresAt)\"")])
      _ = try outcome.parts(atLeast: 1)
    } catch {
      _ = try? await runner.send("DEL", key: runner.keys.ticket(Secrets.digest(ticket)))
      throw error
    }
    var given = ticket
    if case .repeated(let sealed, _) = outcome, let repeatable, let first = try repeatable.open(sealed).first {
      given = first
    }
    return ReplyBody.object([
      ("ticket", ReplyBody.quoted(given)),
      ("expiresAt", repeatable == nil ? ReplyBody.quoted(expiresAt) : try outcome.parts(atLeast: 1).part(0)),
    ])
  }

  /// The key of a participant named in a path; what cannot be an id leads to a key that does not exist.
  private func memberKey(_ sessionID: String, _ participantID: String) -> String {
    runner.keys.participant(sessionID, Secrets.isID(participantID) ? participantID : "-")
  }
}
