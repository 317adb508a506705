public import JSONText
internal import Logging
internal import Metrics
public import NIOCore
internal import RedisClient

/// Host sessions: where agents attach. A value; every decision is made inside a script.
public struct HostSessionStore: Sendable {
  let runner: ScriptRunner
  let closer: SessionCloser
  let queue: DispatchQueue
  private var settings: SharedSessionSettings { runner.settings }
  private let cutParts = Counter(label: "tandem.agent.cut_parts")

  init(runner: ScriptRunner, closer: SessionCloser, queue: DispatchQueue) {
    self.runner = runner
    self.closer = closer
    self.queue = queue
  }

  /// `POST /api/host-sessions`: registers, or attaches to a known id again with its token.
  ///
  /// - Returns: the body `{hostSession, hostToken}`, and whether the host session is new (201) or known (200).
  /// - Throws: `HOST_SESSION_EXISTS`, `IDEMPOTENCY_KEY_REUSED`.
  public func register(
    _ request: RegisterHostSession, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> (body: ByteBuffer, isNew: Bool) {
    let repeatable = idempotency.map(Idempotency.init)
    let id = request.hostSessionID ?? repeatable?.derivedID("host session") ?? Secrets.newID()
    let (token, agent) = (Secrets.newToken(), request.introduction)
    let outcome = try await runner.host(
      ScriptLibrary.hostRegister, id, token: request.hostToken.map(Secrets.digest), once: repeatable, sealing: [token],
      [
        "id": .string(id), "new_token": .string(Secrets.digest(token)), "user": .string(request.userID),
        "workspace": .string(request.workspaceID), "agent": .string(request.agentName ?? ""),
        "version": .string(request.agentVersion ?? ""),
        "takes": .string(request.takes.map { $0.isEmpty ? "-" : $0.joined(separator: " ") } ?? ""),
        "changes": .bytes(agent.map(changes(of:)) ?? ByteBuffer()),
        "sharing": .string(request.sharing.rawValue),
      ])
    let parts = try outcome.parts(atLeast: 2)
    let isNew = try parts.text(0) == "new"
    var given = isNew ? token : request.hostToken ?? token
    if case .repeated(let sealed, _) = outcome, let first = try repeatable?.open(sealed).first { given = first }
    if let agent, parts.count > 2, try parts.text(2) == "true" {
      _ = try await notify(id, token: given, notifications: [agent.notification])
    }
    let body = ReplyBody.object([("hostSession", try parts.part(1)), ("hostToken", ReplyBody.quoted(given))])
    return (body, isNew)
  }

  /// What is kept of what a bridge says of its agent.
  private func changes(of agent: AgentIntroduction) -> ByteBuffer {
    var changes = AgentChanges(settings.agentLimits)
    changes.introduce(agent)
    cutParts.increment(by: Int64(changes.cutCount))
    return changes.text
  }

  /// `GET /api/host-sessions/{hid}`.
  ///
  /// - Parameter token: the host token that must be right; nil when the caller may read it without.
  /// - Returns: `{hostSession}`.
  public func get(_ hostSessionID: String, token: String? = nil) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.host(
      ScriptLibrary.hostRead, hostSessionID, token: token.map(Secrets.digest)
    ).parts(atLeast: 1)
    return ReplyBody.object([("hostSession", try parts.part(0))])
  }

  /// Checks a host token.
  ///
  /// - Throws: `HOST_SESSION_NOT_FOUND`, `INVALID_HOST_TOKEN`.
  public func authorize(_ hostSessionID: String, token: String) async throws(SharedSessionError) {
    _ = try await runner.place(of: "", hostSessionID, token: token)
  }

  /// `DELETE /api/host-sessions/{hid}`: closes its shared sessions, then removes it.
  ///
  /// - Returns: `{closed: true}`.
  public func delete(_ hostSessionID: String, token: String) async throws(SharedSessionError) -> ByteBuffer {
    for _ in 0..<ScriptRunner.tries {
      let parts = try await runner.host(ScriptLibrary.hostRead, hostSessionID, token: Secrets.digest(token))
        .parts(atLeast: 8)
      let host = try HostState(parts)
      for sessionID in host.sessions {
        let outcome = try await closer.close(sessionID, .host)
        // One that ended (or was never made) meanwhile only has to leave the list.
        if outcome.refusal != nil {
          _ = try await runner.host(ScriptLibrary.hostDrop, hostSessionID, ["id": .string(sessionID)])
        }
      }
      // Nobody can tell any more what becomes of a turn that runs.
      if let running = host.running {
        try await queue.failAfterBridgeLoss(
          hostSessionID, running, fence: host.fence,
          message: "the host session was removed while this prompt was running, so its outcome is unknown")
      }
      let outcome = try await runner.host(ScriptLibrary.hostDelete, hostSessionID, token: Secrets.digest(token))
      if outcome.refusal == "shared" { continue }
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
    guard let place = try await runner.place(of: dispatchID, hostSessionID, token: token).dispatch else {
      throw SharedSessionError(.dispatchNotFound)
    }
    return ReplyBody.object([
      ("dispatch", try await queue.report(hostSessionID, dispatchID: dispatchID, of: place, report))
    ])
  }

  /// `POST /api/host-sessions/{hid}/notifications`: each becomes an event in every active shared session, in order.
  ///
  /// - Parameters:
  ///   - notifications: JSON objects as the agent sent them, each on one line; a bounded batch. What they tell of the agent's modes,
  ///     options, commands, usage, title and plan is kept in the same step, for those who come later.
  ///   - firstLine: for a piece of a longer upload, the number of its first line: of such an upload each session remembers how
  ///     far it has come, however its lines fall into pieces.
  ///
  /// Two trips: the host session says who gets the batch, then all of its sessions append it at once. A repeat goes to the
  /// sessions there were at first, and each appends a batch once, so a node that dies in between harms nothing.
  ///
  /// - Returns: `{accepted}`.
  /// - Throws: `IDEMPOTENCY_KEY_REUSED`.
  public func notify(
    _ hostSessionID: String, token: String, notifications: [JSONText], areReplayed: Bool = false,
    idempotency: IdempotencyRequest? = nil, firstLine: Int? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let batch = idempotency.map(Idempotency.init)?.batch ?? ""
    var changes = AgentChanges(settings.agentLimits)
    for (offset, notification) in notifications.enumerated() { changes.note(notification, number: offset + 1) }
    let piece: ScriptArguments = [
      "batch": .string(batch), "first": .integer(firstLine ?? 0), "changes": .bytes(changes.text),
    ]
    let sessions = try await runner.host(
      ScriptLibrary.hostBatch, hostSessionID, token: Secrets.digest(token), piece
    ).parts(atLeast: 1).list(0)
    if !notifications.isEmpty {
      let runner = runner
      // What the script puts behind `{"notification":` and before the brace that closes the event's payload.
      let texts = notifications.map { areReplayed ? Self.markedAsReplayed($0.bytes) : $0.bytes }
      let arguments = piece.adding("notifications", texts.map { .bytes($0) })
      try await runner.together(sessions) { sessionID in
        let outcome = try await runner.session(ScriptLibrary.notificationsAppend, sessionID, arguments)
        // A session that has ended meanwhile hears no more of the agent.
        switch outcome.refusal {
        case ErrorCode.sessionNotFound.rawValue, ErrorCode.sessionInactive.rawValue: return
        default: _ = try outcome.parts()
        }
      }
    }
    cutParts.increment(by: Int64(changes.cutCount))
    return ByteBuffer(string: "{\"accepted\":\(notifications.count)}")
  }

  private static func markedAsReplayed(_ notification: ByteBuffer) -> ByteBuffer {
    var text = notification
    text.writeString(",\"replayed\":true")
    return text
  }

  /// `GET /api/host-sessions/{hid}/dispatches`: attaches a bridge; a newer attachment fences an older one.
  ///
  /// - Parameter bridgeID: tells a bridge that reconnects from another one; nil when it does not say.
  public func attach(
    _ hostSessionID: String, token: String, bridgeID: String?
  ) async throws(SharedSessionError) -> DispatchAttachment {
    try await DispatchAttachment.open(hostSessionID, token: token, bridgeID: bridgeID, queue: queue)
  }
}
