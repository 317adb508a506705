public import NIOCore
internal import RedisClient

/// Shared sessions as a whole: create, read, change, close. A value; every decision is made inside a script.
///
/// Replies are complete JSON bodies of the HTTP contract.
public struct SessionStore: Sendable {
  let runner: ScriptRunner
  let index: SessionIndex
  let closer: SessionCloser
  var settings: SharedSessionSettings { runner.settings }

  /// `POST /api/shared-sessions`.
  ///
  /// The host session takes the id up and the indexes get it before the session exists, so that no session can be that
  /// nobody would expire; an id that leads nowhere is dropped by whoever meets it.
  ///
  /// - Returns: `{session, inviteToken, hostParticipant}`.
  /// - Throws: `HOST_SESSION_NOT_FOUND`, `HOST_TOKEN_REQUIRED`, `SESSION_LIMIT`, `INVALID_FIELD`, `IDEMPOTENCY_KEY_REUSED`.
  public func create(
    _ request: CreateSession, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let asked = try lifetime(minutes: request.expiresInMinutes)
    let approvalTimeout = try approvalTimeout(seconds: request.approvalTimeoutSeconds)
    let repeatable = idempotency.map(Idempotency.init)
    let sessionID: String
    switch try await target(of: repeatable) {
    case .new(let id): sessionID = id
    case .repeated(let sealed, let parts):
      return try Self.created(parts, tokens: try repeatable?.open(sealed) ?? [])
    }
    let share = try await runner.host(
      ScriptLibrary.hostShare, request.hostSessionID,
      tokenDigest: request.hostToken.map(Secrets.digest) ?? "",
      arguments: [
        .string(sessionID), .integer(settings.maximumSessionsPerHost),
        request.hostTokenRequired ? "required" : "",
      ]
    ).parts(atLeast: 3)
    let defaultWorkspace = try share.text(0)
    let workspaceID = request.workspaceID ?? defaultWorkspace
    let participantID = Secrets.newID()
    let (access, invite) = (Secrets.newToken(), Secrets.newToken())
    do throws(SharedSessionError) {
      try await index.add(
        sessionID, workspaceID: workspaceID, hostSessionID: request.hostSessionID,
        endsIn: asked ?? settings.maximumLifetime)
      let outcome = try await runner.session(
        ScriptLibrary.sessionCreate, sessionID, participantID: participantID, tokenDigest: Secrets.digest(access),
        idempotency: repeatable, sealing: [access, invite],
        keys: [runner.keys.participants(sessionID), runner.keys.users(sessionID)],
        arguments: [
          .string(sessionID), .string(workspaceID), .string(request.hostSessionID), .string(request.hostUserID),
          .string(request.mode.rawValue), .string(asked.map { String($0.milliseconds) } ?? ""),
          .integer(Int(settings.maximumLifetime.milliseconds)), .integer(Int(settings.retention.milliseconds)),
          .string(Secrets.digest(invite)), .string(participantID), .string(request.hostDisplayName ?? ""),
          .string(approvalTimeout), .string(request.viewerUpdates.rawValue),
        ])
      var tokens = [access, invite]
      if case .repeated(let sealed, _) = outcome, let repeatable { tokens = try repeatable.open(sealed) }
      let parts = try outcome.parts(atLeast: 2)
      // A bridge that was never attached has not gone away either.
      if try share.text(2) != "0" {
        try await runner.announceHost(sessionID, fence: try share.text(2), online: try share.text(1) == "true")
      }
      return try Self.created(parts, tokens: tokens)
    } catch {
      // What may exist stays listed; only what certainly does not is taken out again.
      if error.code != .outcomeUnknown, error.code != .idempotencyKeyReused, repeatable == nil {
        await index.forget(sessionID, workspaceID: workspaceID, hostSessionID: request.hostSessionID)
      }
      throw error
    }
  }

  /// What a creation is to be carried out on.
  private enum Target {
    case new(String)
    case repeated(sealed: String, parts: [RedisValue])
  }

  /// Where a repeatable creation goes: a repeat touches nothing, neither the host session nor an index.
  private func target(of repeatable: Idempotency?) async throws(SharedSessionError) -> Target {
    guard let repeatable else { return .new(Secrets.newID()) }
    for generation in 0..<ScriptRunner.tries {
      let id = repeatable.derivedID(generation == 0 ? "session" : "session \(generation)")
      let looked = try await runner.session(
        ScriptLibrary.callerCheck, id, idempotency: repeatable, arguments: ["", "", "look"])
      switch looked {
      case .repeated(let sealed, let parts): return .repeated(sealed: sealed, parts: parts)
      case .refused(ErrorCode.sessionNotFound.rawValue, _): return .new(id)
      case .refused(ErrorCode.idempotencyKeyReused.rawValue, _): _ = try looked.parts()
      // The key is forgotten, the session it made lives on: this is another request.
      default: continue
      }
    }
    throw SharedSessionError(.unavailable, retryAfter: 1)
  }

  private static func created(_ parts: [RedisValue], tokens: [String]) throws(SharedSessionError) -> ByteBuffer {
    guard tokens.count == 2 else { throw SharedSessionError(.internalError) }
    return ReplyBody.object([
      ("session", try parts.part(0)), ("inviteToken", ReplyBody.quoted(tokens[1])),
      ("hostParticipant", ReplyBody.adding("accessToken", tokens[0], to: try parts.part(1))),
    ])
  }

  /// `GET /api/shared-sessions`: newest first.
  ///
  /// - Returns: `{sessions, nextCursor?}`.
  /// - Throws: `INVALID_QUERY` for a cursor that is none.
  public func list(_ filter: SessionFilter) async throws(SharedSessionError) -> ByteBuffer {
    try await index.list(filter)
  }

  /// `GET /api/shared-sessions/{id}`: everything at one moment, and the event id of that moment.
  ///
  /// - Returns: `{session, participants, approvals, cursor, truncated?}`.
  public func snapshot(_ sessionID: String, reader: Reader) async throws(SharedSessionError) -> ByteBuffer {
    let runner = runner
    let parts = try await runner.withMembers(sessionID) { members async throws(SharedSessionError) in
      try await runner.session(
        ScriptLibrary.sessionSnapshot, sessionID, seenBy: reader,
        keys: [runner.keys.participants(sessionID), runner.keys.approvals(sessionID)]
          + members.participants.map { runner.keys.participant(sessionID, $0) }
          + members.approvals.map { runner.keys.approval(sessionID, $0) },
        arguments: [
          .integer(members.participants.count), .integer(members.participantsEver), .integer(members.approvalsEver),
          .integer(Self.replyBytes),
        ])
    }.parts(atLeast: 6)
    let isReduced = try parts.text(5) == "reduced"
    let approvals = isReduced ? ViewerReduction.approvals(try parts.part(2)) : try parts.part(2)
    return ReplyBody.object([
      ("session", try parts.part(0)), ("participants", try parts.part(1)), ("approvals", approvals),
      ("cursor", ReplyBody.quoted(try parts.text(3))),
      ("truncated", try parts.text(4) == "true" ? ByteBuffer(string: "true") : nil),
    ])
  }

  /// `PATCH /api/shared-sessions/{id}`.
  ///
  /// - Parameters:
  ///   - mode: the new mode; `nil` leaves it.
  ///   - expiresInMinutes: from now; `nil` leaves the expiry, <= 0 takes it away.
  ///   - approvalTimeoutSeconds: for approvals from now on; `nil` leaves it, <= 0 takes it away.
  ///   - viewerUpdates: what viewers see from now on; `nil` leaves it.
  /// - Returns: `{session}`.
  public func update(
    _ sessionID: String, credentials: ParticipantCredentials, mode: SessionMode?, expiresInMinutes: Int64?,
    approvalTimeoutSeconds: Int64? = nil, viewerUpdates: ViewerUpdates? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let asked = try lifetime(minutes: expiresInMinutes)
    let approvalTimeout = try approvalTimeout(seconds: approvalTimeoutSeconds)
    let expiry = expiresInMinutes == nil ? "keep" : asked.map { String($0.milliseconds) } ?? "none"
    if let asked {
      _ = try await runner.session(ScriptLibrary.callerCheck, sessionID, by: credentials, arguments: ["host", ""])
        .parts()
      // Before the change: a deadline that comes too early only costs a look.
      try await index.expect(sessionID, within: asked)
      // The members' keys first: a session must never outlive them.
      try await closer.extendMembers(sessionID, by: asked + settings.retention)
      try await index.renew(sessionID)
    }
    let parts = try await runner.session(
      ScriptLibrary.sessionUpdate, sessionID, by: credentials,
      arguments: [
        .string(mode?.rawValue ?? ""), .string(expiry), .integer(Int(settings.maximumLifetime.milliseconds)),
        .integer(Int(settings.retention.milliseconds)),
        .string(approvalTimeoutSeconds == nil ? "keep" : approvalTimeout), .string(viewerUpdates?.rawValue ?? ""),
      ]
    ).parts(atLeast: 1)
    return ReplyBody.object([("session", try parts.part(0))])
  }

  /// `DELETE /api/shared-sessions/{id}`.
  ///
  /// - Returns: `{closed: true, session}`.
  public func close(
    _ sessionID: String, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await closer.close(sessionID, .close, by: credentials).parts(atLeast: 2)
    return ReplyBody.object([("closed", ByteBuffer(string: "true")), ("session", try parts.part(0))])
  }

  /// Most bytes of approvals or messages in one reply.
  static let replyBytes = 4 << 20

  /// Checks the times asked for, before anything is known about the caller.
  ///
  /// - Throws: `INVALID_FIELD`.
  public func check(expiresInMinutes: Int64?, approvalTimeoutSeconds: Int64?) throws(SharedSessionError) {
    _ = try lifetime(minutes: expiresInMinutes)
    _ = try approvalTimeout(seconds: approvalTimeoutSeconds)
  }

  private func approvalTimeout(seconds: Int64?) throws(SharedSessionError) -> String {
    guard let seconds, seconds > 0 else { return "" }
    let most = settings.maximumLifetime.components.seconds
    guard seconds <= most else {
      throw SharedSessionError(.invalidField, "'approvalTimeoutSeconds' must be at most \(most).")
    }
    return String(seconds)
  }

  func lifetime(minutes: Int64?) throws(SharedSessionError) -> Duration? {
    guard let minutes, minutes > 0 else { return nil }
    let most = settings.maximumLifetime.components.seconds / 60
    guard minutes <= most else {
      throw SharedSessionError(.invalidField, "'expiresInMinutes' must be at most \(most).")
    }
    return .seconds(minutes * 60)
  }
}
