internal import Basics
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

  /// `POST /api/shared-sessions`, in three trips: the host session takes the id up while the index notes that it is begun; the
  /// session is made; it is listed. A node that dies in between leaves the note, by which a sweeper lists the session or takes
  /// the id back. The host session comes first because it may refuse, the lists last because they must not name what does not exist.
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
    let share = try await takeUp(sessionID, request)
    let session = Listed(
      id: sessionID, hostSessionID: request.hostSessionID, workspaceID: request.workspaceID ?? share.workspaceID)
    let (access, invite) = (Secrets.newToken(), Secrets.newToken())
    let outcome = try await runner.session(
      ScriptLibrary.sessionCreate, sessionID, as: .known(Secrets.newID(), tokenDigest: Secrets.digest(access)),
      once: repeatable, sealing: [access, invite],
      [
        "id": .string(sessionID), "workspace": .string(session.workspaceID),
        "new_host_session": .string(request.hostSessionID), "host_user": .string(request.hostUserID),
        "new_mode": .string(request.mode.rawValue), "asked": .milliseconds(asked),
        "invite_hash": .string(Secrets.digest(invite)), "name": .quoted(request.hostDisplayName),
        "user_json": .quoted(request.hostUserID), "new_timeout": .string(approvalTimeout),
        "new_view": .string(request.viewerUpdates.rawValue), "layout": .string(KeyLayout.version),
      ])
    var tokens = [access, invite]
    if case .repeated(let sealed, _) = outcome, let repeatable { tokens = try repeatable.open(sealed) }
    let parts = try outcome.parts(atLeast: 2)
    let (index, runner, life) = (index, runner, asked ?? settings.maximumLifetime)
    let retention = settings.retention
    try await runner.together([
      { try await index.list(session, endsIn: life, goneIn: life + retention + .seconds(1)) },
      { try await runner.takeAgent(sessionID, of: session.hostSessionID) },
      {
        // A bridge that was never attached has not gone away either.
        if share.fence != "0" {
          try await runner.announceHost(sessionID, fence: share.fence, online: share.isAttached)
        }
      },
    ])
    return try Self.created(parts, tokens: tokens)
  }

  /// The host session takes a session up that is about to be made, and the index notes that it is begun: one trip.
  private func takeUp(
    _ sessionID: String, _ request: CreateSession
  ) async throws(SharedSessionError) -> (workspaceID: String, isAttached: Bool, fence: String) {
    async let noted: Result<Void, SharedSessionError> = index.noteBeginning(
      sessionID, hostSessionID: request.hostSessionID)
    let shared: Result<ScriptOutcome, SharedSessionError>
    do throws(SharedSessionError) {
      shared = .success(
        try await runner.host(
          ScriptLibrary.hostShare, request.hostSessionID, token: request.hostToken.map(Secrets.digest),
          [
            "id": .string(sessionID), "most": .integer(settings.maximumSessionsPerHost),
            "token_needed": .flag(request.hostTokenRequired),
          ]))
    } catch { shared = .failure(error) }
    let note = await noted
    let parts = try shared.get().parts(atLeast: 3)
    try note.get()
    return (try parts.text(0), try parts.text(1) == "true", try parts.text(2))
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
        ScriptLibrary.callerCheck, id, once: repeatable, ["who": "", "ready": ""])
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
    try await SessionListing(runner: runner).page(filter)
  }

  /// `GET /api/shared-sessions/{id}`: everything at one moment, and the event id of that moment.
  ///
  /// - Returns: `{session, participants, approvals, agent, cursor, truncated?}`.
  public func snapshot(_ sessionID: String, reader: Reader) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.sessionSnapshot, sessionID, as: ScriptRunner.Caller(reader),
      ["most": .integer(settings.snapshotLimit), "most_bytes": .integer(Self.replyBytes)]
    ).parts(atLeast: 8)
    let (role, viewerUpdates) = (try parts.text(5), try parts.text(6))
    let isReduced =
      reader != .trusted && (role.isEmpty || role == Role.viewer.rawValue)
      && viewerUpdates == ViewerUpdates.reduced.rawValue
    let approvals = isReduced ? ViewerReduction.approvals(try parts.part(2)) : try parts.part(2)
    let agent = isReduced ? ViewerReduction.agent(try parts.part(7)) : try parts.part(7)
    return ReplyBody.object([
      ("session", try parts.part(0)), ("participants", try parts.part(1)), ("approvals", approvals),
      ("agent", agent), ("cursor", ReplyBody.quoted(try parts.text(3))),
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
  ///   - approvalsNeeded: how many of those who may decide have to agree to a prompt, 1 to 10; `nil` leaves it. Prompts that
  ///     have enough votes then are approved in the same step.
  /// - Returns: `{session}`.
  public func update(
    _ sessionID: String, credentials: ParticipantCredentials, mode: SessionMode?, expiresInMinutes: Int64?,
    approvalTimeoutSeconds: Int64? = nil, viewerUpdates: ViewerUpdates? = nil, approvalsNeeded: Int64? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let asked = try lifetime(minutes: expiresInMinutes)
    let approvalTimeout = try approvalTimeout(seconds: approvalTimeoutSeconds)
    let expiry = expiresInMinutes == nil ? "keep" : asked.map { String($0.wholeMilliseconds) } ?? "none"
    let parts = try await runner.session(
      ScriptLibrary.sessionUpdate, sessionID, as: .participant(credentials),
      [
        "new_mode": .string(mode?.rawValue ?? ""), "new_expiry": .string(expiry),
        "new_timeout": .string(approvalTimeoutSeconds == nil ? "keep" : approvalTimeout),
        "new_view": .string(viewerUpdates?.rawValue ?? ""),
        "new_needed": .string(approvalsNeeded.map(String.init) ?? ""), "dispatch_seed": .string(Secrets.newID()),
      ]
    ).parts(atLeast: 5)
    try await approved(sessionID, parts, from: 3)
    if let asked {
      let index = index
      // Late or lost without harm: a sweeper looks at every session now and then.
      await runner.hint("deadline", of: sessionID, [{ try await index.scheduleCheck(sessionID, within: asked) }])
    }
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

  /// Tells of prompts that got enough votes by a change: the host session, then how many.
  func approved(_ sessionID: String, _ parts: [RedisValue], from index: Int) async throws(SharedSessionError) {
    guard try parts.number(index + 1) > 0 else { return }
    await ApprovalStore(runner: runner, index: self.index).queued(sessionID, for: try parts.text(index), withdrawn: [])
  }

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
