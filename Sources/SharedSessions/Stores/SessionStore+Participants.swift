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
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    let repeatable = idempotency.map(Idempotency.init)
    let token = Secrets.newToken()
    let newID = Secrets.newID()
    // Most users who join are not there yet and come with the session's own invite; the script says when that is wrong.
    var (presentID, inviteID) = ("", "")
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
          runner.keys.inviteTokens(sessionID), runner.keys.invite(sessionID, inviteID.isEmpty ? "-" : inviteID),
        ],
        arguments: [
          .string(Secrets.digest(request.inviteToken)), .string(request.userID), .string(request.displayName ?? ""),
          .string((request.role == .host ? .collaborator : request.role).rawValue), .string(newID),
          .string(Secrets.digest(token)), .string(settings.joinReuse.rawValue), .string(presentID),
          .integer(settings.maximumParticipants), .integer(Self.tokensKept), .string(inviteID),
        ])
      guard case .refused("retry", let found) = outcome else { break }
      let ids = found.split(separator: " ").map { $0 == "-" ? "" : String($0) }
      guard ids.count == 2 else { throw SharedSessionError(.internalError) }
      (presentID, inviteID) = (ids[0], ids[1])
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
      ScriptLibrary.participantRole, sessionID, by: credentials,
      keys: [memberKey(sessionID, participantID)],
      arguments: [
        .string(participantID), .string(role?.rawValue ?? ""), .string(canApprove.map { $0 ? "1" : "0" } ?? ""),
      ]
    ).parts(atLeast: 1)
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
      ScriptLibrary.hostHandover, sessionID, by: credentials, idempotency: idempotency.map(Idempotency.init),
      keys: [memberKey(sessionID, participantID)], arguments: [.string(participantID)]
    ).parts(atLeast: 2)
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
      ScriptLibrary.participantLeave, sessionID, by: credentials,
      keys: [runner.keys.users(sessionID), memberKey(sessionID, participantID)],
      arguments: [.string(participantID.isEmpty ? "-" : participantID)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("participant", try parts.part(0))])
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
