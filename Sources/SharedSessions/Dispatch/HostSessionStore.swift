internal import Logging
public import NIOCore
internal import RedisClient

/// Host sessions: where agents attach. A value; every decision is made inside a script.
public struct HostSessionStore: Sendable {
  let runner: ScriptRunner
  let closer: SessionCloser
  let queue: DispatchQueue
  private var settings: SharedSessionSettings { runner.settings }

  /// `POST /api/host-sessions`: registers, or attaches to a known id again with its token.
  ///
  /// - Returns: the body `{hostSession, hostToken}`, and whether the host session is new (201) or known (200).
  /// - Throws: `HOST_SESSION_EXISTS`, `IDEMPOTENCY_KEY_REUSED`.
  public func register(
    _ request: RegisterHostSession, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> (body: ByteBuffer, isNew: Bool) {
    let repeatable = idempotency.map(Idempotency.init)
    let id = request.hostSessionID ?? repeatable?.derivedID("host session") ?? Secrets.newID()
    let token = Secrets.newToken()
    let outcome = try await runner.host(
      ScriptLibrary.hostRegister, id, tokenDigest: request.hostToken.map(Secrets.digest) ?? "",
      keys: [runner.keys.hostIdempotency(id, repeatable?.name ?? "-")],
      arguments: [
        .string(Secrets.digest(token)), .string(request.userID), .string(request.workspaceID),
        .string(request.agentName ?? ""), .string(request.agentVersion ?? ""),
        .string(repeatable?.requestDigest ?? ""), .string(try repeatable?.seal([token]) ?? ""),
        .integer(Int(settings.idempotencyLifetime.milliseconds)), .string(request.sharing.rawValue),
      ])
    let parts = try outcome.parts(atLeast: 2)
    let isNew = try parts.text(0) == "new"
    var given = isNew ? token : request.hostToken ?? token
    if case .repeated(let sealed, _) = outcome, let first = try repeatable?.open(sealed).first { given = first }
    let body = ReplyBody.object([("hostSession", try parts.part(1)), ("hostToken", ReplyBody.quoted(given))])
    return (body, isNew)
  }

  /// `GET /api/host-sessions/{hid}`.
  ///
  /// - Returns: `{hostSession}`.
  public func get(_ hostSessionID: String) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.host(ScriptLibrary.hostRead, hostSessionID).parts(atLeast: 1)
    return ReplyBody.object([("hostSession", try parts.part(0))])
  }

  /// Checks a host token.
  ///
  /// - Throws: `HOST_SESSION_NOT_FOUND`, `INVALID_HOST_TOKEN`.
  public func authorize(_ hostSessionID: String, token: String) async throws(SharedSessionError) {
    _ = try await read(hostSessionID, token: token)
  }

  /// `DELETE /api/host-sessions/{hid}`: closes its shared sessions, then removes it.
  ///
  /// - Returns: `{closed: true}`.
  public func delete(_ hostSessionID: String, token: String) async throws(SharedSessionError) -> ByteBuffer {
    for _ in 0..<ScriptRunner.tries {
      let (sessions, running) = try await read(hostSessionID, token: token)
      for sessionID in sessions {
        let outcome = try await closer.close(sessionID, .host)
        // One that ended (or was never made) meanwhile only has to leave the list.
        if outcome.refusal != nil {
          try await runner.send("ZREM", key: runner.keys.hostSessions(hostSessionID), .string(sessionID))
        }
      }
      // Nobody can tell any more what becomes of a turn that runs.
      try await queue.abandon(
        hostSessionID, running,
        message: "the host session was removed while this prompt was running, so its outcome is unknown")
      let outcome = try await runner.host(
        ScriptLibrary.hostDelete, hostSessionID, tokenDigest: Secrets.digest(token))
      if outcome.refusal == "retry" { continue }
      _ = try outcome.parts()
      return ReplyBody.object([("closed", ByteBuffer(string: "true"))])
    }
    throw SharedSessionError(.unavailable, retryAfter: 1)
  }

  /// `POST /api/host-sessions/{hid}/dispatches/{did}`: what a bridge says of a dispatch.
  ///
  /// - Returns: `{dispatch}`.
  /// - Throws: `DISPATCH_NOT_FOUND`, `DISPATCH_CONFLICT` for a stale attempt or a dispatch that is over.
  public func report(
    _ hostSessionID: String, dispatchID: String, token: String, _ report: DispatchReport
  ) async throws(SharedSessionError) -> ByteBuffer {
    _ = try await read(hostSessionID, token: token)
    return ReplyBody.object([
      ("dispatch", try await queue.report(hostSessionID, dispatchID: dispatchID, report))
    ])
  }

  /// `POST /api/host-sessions/{hid}/notifications`: each becomes an event in every active shared session, in order.
  ///
  /// - Parameters:
  ///   - notifications: JSON objects as the agent sent them, validated; a bounded batch.
  ///   - isPart: true for a piece of a longer upload, of which each session remembers its own pieces; a session that is
  ///     shared between an upload and its repeat then gets the repeat.
  /// - Returns: `{accepted}`.
  /// - Throws: `IDEMPOTENCY_KEY_REUSED`.
  public func notify(
    _ hostSessionID: String, token: String, notifications: [ByteBuffer], idempotency: IdempotencyRequest? = nil,
    isPart: Bool = false
  ) async throws(SharedSessionError) -> ByteBuffer {
    let sessions = try await read(hostSessionID, token: token).sessions
    let repeatable = idempotency.map(Idempotency.init)
    let kept = isPart ? nil : repeatable
    if let first = try await runner.answer(hostSessionID, to: kept) { return first }
    for sessionID in sessions where !notifications.isEmpty {
      let outcome = try await runner.session(
        ScriptLibrary.notificationsAppend, sessionID, idempotency: repeatable,
        arguments: notifications.map { .bytes($0) })
      // A session that has ended meanwhile hears no more of the agent.
      switch outcome.refusal {
      case ErrorCode.sessionNotFound.rawValue, ErrorCode.sessionInactive.rawValue: continue
      default: _ = try outcome.parts()
      }
    }
    let accepted = ByteBuffer(string: "{\"accepted\":\(notifications.count)}")
    try await runner.answer(hostSessionID, to: kept, keeping: accepted)
    return accepted
  }

  /// `GET /api/host-sessions/{hid}/dispatches`: attaches a bridge; a newer attachment fences an older one.
  ///
  /// - Parameter bridgeID: tells a bridge that reconnects from another one; nil when it does not say.
  public func attach(
    _ hostSessionID: String, token: String, bridgeID: String?
  ) async throws(SharedSessionError) -> DispatchAttachment {
    _ = try await read(hostSessionID, token: token)
    return try await DispatchAttachment.open(hostSessionID, bridgeID: bridgeID, queue: queue)
  }

  private func read(
    _ hostSessionID: String, token: String
  ) async throws(SharedSessionError) -> (sessions: [String], running: RunningDispatch) {
    // An empty digest would mean that the node vouches; a token's digest is never empty.
    let parts = try await runner.host(
      ScriptLibrary.hostRead, hostSessionID, tokenDigest: Secrets.digest(token)
    ).parts(atLeast: 8)
    return (
      try parts.list(6),
      RunningDispatch(session: try parts.text(3), approval: try parts.text(4), dispatch: try parts.text(5))
    )
  }
}

extension ScriptRunner {
  /// The first answer to a repeatable call on a host session, or nil; then `answer` is kept as it.
  ///
  /// - Parameters:
  ///   - repeatable: nil for a call without an Idempotency-Key, of which nothing is kept.
  ///   - answer: nil only looks.
  /// - Throws: `IDEMPOTENCY_KEY_REUSED`.
  @discardableResult
  func answer(
    _ hostSessionID: String, to repeatable: Idempotency?, keeping answer: ByteBuffer? = nil
  ) async throws(SharedSessionError) -> ByteBuffer? {
    guard let repeatable else { return nil }
    let first = try await host(
      ScriptLibrary.hostAnswer, hostSessionID, keys: [keys.hostIdempotency(hostSessionID, repeatable.name)],
      arguments: [
        .string(repeatable.requestDigest), .bytes(answer ?? ByteBuffer()),
        .integer(Int(settings.idempotencyLifetime.milliseconds)),
      ]
    ).parts(atLeast: 1).part(0)
    return first.readableBytes > 0 ? first : nil
  }

  /// Tells one session that its host's bridge is attached or gone; the session decides by the fence whether that is news.
  func announceHost(_ sessionID: String, fence: String, online: Bool) async throws(SharedSessionError) {
    let outcome = try await session(
      ScriptLibrary.hostPresence, sessionID,
      arguments: [
        .string(fence), online ? "online" : "offline", .integer(Int(settings.hostGrace.milliseconds)),
      ])
    switch outcome.refusal {
    case ErrorCode.sessionNotFound.rawValue, ErrorCode.sessionInactive.rawValue: return
    default: _ = try outcome.parts()
    }
  }
}
