internal import Basics
public import NIOCore
internal import RedisClient

/// Who is in a session: join, leave, roles, removal, tickets.
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
    let repeatable = idempotency.map(Idempotency.init)
    let token = Secrets.newToken()
    let role = request.role == .host ? .collaborator : request.role
    let outcome = try await runner.session(
      ScriptLibrary.participantJoin, sessionID,
      as: request.credentials.map(ScriptRunner.Caller.participant) ?? .anybody, once: repeatable, sealing: [token],
      [
        "invite_hash": .string(Secrets.digest(request.inviteToken)), "user": .string(request.userID),
        "user_json": .quoted(request.userID), "name": .quoted(request.displayName), "role": .string(role.rawValue),
        "id": .string(Secrets.newID()), "new_token": .string(Secrets.digest(token)),
        "reuse": .string(settings.joinReuse.rawValue), "most": .integer(settings.maximumParticipants),
        "tokens_kept": .integer(Self.tokensKept), "most_departed": .integer(settings.maximumDeparted),
      ])
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
      ScriptLibrary.participantLeave, sessionID, as: .participant(credentials), once: repeatable,
      ["id": "", "dispatch_seed": .string(Secrets.newID())])
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
    let parts = try await runner.session(
      ScriptLibrary.participantList, sessionID, as: ScriptRunner.Caller(reader),
      ["most": .integer(settings.snapshotLimit)]
    ).parts(atLeast: 2)
    return ReplyBody.object([
      ("participants", try parts.part(0)),
      ("truncated", try parts.text(1) == "true" ? ByteBuffer(string: "true") : nil),
    ])
  }

  /// `PATCH .../participants/{pid}`.
  ///
  /// - Parameters:
  ///   - role: collaborator or viewer; `nil` leaves it.
  ///   - canApprove: whether a collaborator may decide on prompts as the host does; `nil` leaves it. Whoever gets this
  ///     keeps only their first access token, since later ones are given out for an invite alone.
  /// - Returns: `{participant}`.
  /// - Throws: `HOST_REQUIRED`, `PARTICIPANT_NOT_FOUND`, `INVALID_FIELD` for a role that would be, or would end, the
  ///   host's, `FIRST_TOKEN_REQUIRED`.
  public func changeRole(
    _ sessionID: String, participantID: String, role: Role?, canApprove: Bool? = nil,
    credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    guard role != .host else {
      throw SharedSessionError(.invalidField, "'role' must be 'collaborator' or 'viewer'.")
    }
    let parts = try await runner.session(
      ScriptLibrary.participantRole, sessionID, as: .participant(credentials),
      [
        "id": member(participantID), "role": .string(role?.rawValue ?? ""),
        "may": canApprove.map(RedisArgument.flag) ?? "", "dispatch_seed": .string(Secrets.newID()),
      ]
    ).parts(atLeast: 3)
    try await approved(sessionID, parts, from: 1)
    return ReplyBody.object([("participant", try parts.part(0))])
  }

  /// `POST .../host`: hands the host's role over; the host becomes a collaborator.
  ///
  /// - Returns: `{session, participant}`, the participant being the new host.
  /// - Throws: `HOST_REQUIRED`, `PARTICIPANT_NOT_FOUND`, `INVALID_FIELD` for the host itself, `FIRST_TOKEN_REQUIRED`.
  public func handOver(
    _ sessionID: String, participantID: String, credentials: ParticipantCredentials,
    idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.hostHandover, sessionID, as: .participant(credentials),
      once: idempotency.map(Idempotency.init),
      ["id": member(participantID), "dispatch_seed": .string(Secrets.newID())]
    ).parts(atLeast: 4)
    try await approved(sessionID, parts, from: 2)
    return ReplyBody.object([("session", try parts.part(0)), ("participant", try parts.part(1))])
  }

  /// `DELETE .../participants/{pid}`.
  ///
  /// - Returns: `{participant}`.
  /// - Throws: `HOST_REQUIRED`, `PARTICIPANT_NOT_FOUND`, `PARTICIPANT_INACTIVE`, `INVALID_FIELD` for the host.
  public func remove(
    _ sessionID: String, participantID: String, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.participantLeave, sessionID, as: .participant(credentials),
      ["id": member(participantID), "dispatch_seed": .string(Secrets.newID())]
    ).parts(atLeast: 1)
    return ReplyBody.object([("participant", try parts.part(0))])
  }

  /// Checks that somebody is an active participant, before more is read of what they send.
  ///
  /// - Throws: `SESSION_NOT_FOUND` ... `PARTICIPANT_INACTIVE`.
  public func authorize(_ sessionID: String, credentials: ParticipantCredentials) async throws(SharedSessionError) {
    _ = try await runner.session(
      ScriptLibrary.callerCheck, sessionID, as: .participant(credentials), ["who": "", "ready": ""]
    ).parts()
  }

  /// `POST .../stream-tickets`: a single-use stand-in for credentials, for a browser's EventSource.
  ///
  /// - Returns: `{ticket, expiresAt}`.
  public func createTicket(
    _ sessionID: String, credentials: ParticipantCredentials, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let repeatable = idempotency.map(Idempotency.init)
    let ticket = Secrets.newToken()
    let now = try await runner.now()
    let expiresAt = Timestamp.rfc3339(milliseconds: now + Int(settings.ticketLifetime.wholeMilliseconds))
    // Kept first: once the script has answered, a repeat must find the ticket it was promised.
    try await runner.send(
      "SET", key: runner.keys.ticket(Secrets.digest(ticket)), .string("\(sessionID) \(credentials.participantID)"),
      "PX", .integer(Int(settings.ticketLifetime.wholeMilliseconds)))
    let outcome: ScriptOutcome
    do {
      outcome = try await runner.session(
        ScriptLibrary.callerCheck, sessionID, as: .participant(credentials), once: repeatable, sealing: [ticket],
        ["who": "", "ready": .quoted(expiresAt)])
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

  /// A participant named in a path; a text that cannot be an id is nobody's.
  private func member(_ participantID: String) -> RedisArgument {
    .string(Secrets.isID(participantID) ? participantID : "-")
  }
}
