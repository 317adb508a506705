internal import Logging
internal import Metrics
public import NIOCore
internal import RedisClient

/// What agents ask in the middle of their turns: approvals of kind `permission`. A value; every decision is made inside a script.
///
/// A request belongs to the session whose prompt runs and lies beside its approvals; it is answered like them
/// (`ApprovalStore.resolve`). It waits without a time limit, and ends unanswered with its turn or its session.
public struct PermissionStore: Sendable {
  let runner: ScriptRunner
  private let requested = Counter(label: "tandem.permissions.requested")
  private let refused = Counter(label: "tandem.permissions.refused")

  init(runner: ScriptRunner) {
    self.runner = runner
  }

  /// `POST /api/host-sessions/{hid}/permissions`: the agent asks.
  ///
  /// - Returns: `{approval}`.
  /// - Throws: `DISPATCH_NOT_FOUND`, `DISPATCH_CONFLICT` for a turn that does not run or is being cancelled,
  ///   `SESSION_INACTIVE`, `APPROVAL_LIMIT`.
  public func request(
    _ hostSessionID: String, token: String, _ request: PermissionRequest, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    try await authorize(hostSessionID, token)
    guard let place = try await runner.dispatchPlace(hostSessionID, request.dispatchID) else {
      throw SharedSessionError(.dispatchNotFound)
    }
    let (keys, repeatable) = (runner.keys, idempotency.map(Idempotency.init))
    // A session remembers its own requests; that this one was another session's is remembered here.
    if let first = try await runner.answer(hostSessionID, to: repeatable) { return first }
    let approvalID = repeatable?.derivedID("permission of \(request.dispatchID)") ?? Secrets.newID()
    let promptKey = keys.approval(place.session, place.approval)
    let author = try await runner.send("HGET", key: promptKey, "participantId").string ?? ""
    let outcome = try await runner.session(
      ScriptLibrary.permissionRequest, place.session, participantID: author, idempotency: repeatable,
      keys: [
        promptKey, keys.permissions(place.session), keys.approvals(place.session),
        keys.approval(place.session, approvalID),
      ],
      arguments: [
        .string(request.dispatchID), .string(approvalID), .string(request.summary), .bytes(request.toolCall),
        .bytes(request.options), .integer(runner.settings.maximumPendingPermissions),
      ])
    if outcome.refusal == ErrorCode.approvalLimit.rawValue { refused.increment() }
    let parts = try outcome.parts(atLeast: 1)
    if case .ok = outcome { requested.increment() }
    // Also for a repeat: the node that took the first one may have died right here.
    _ = try await runner.host(
      ScriptLibrary.hostPermission, hostSessionID, keys: [keys.hostPermission(hostSessionID, approvalID)],
      arguments: [.string(place.session)]
    ).parts()
    let body = ReplyBody.object([("approval", try parts.part(0))])
    try await runner.answer(hostSessionID, to: repeatable, keeping: body)
    return body
  }

  /// `GET /api/host-sessions/{hid}/permissions/{aid}`: what has become of a request; also after its session has ended.
  ///
  /// - Returns: `{approval, resolvedByName?}`.
  /// - Throws: `APPROVAL_NOT_FOUND`.
  public func get(
    _ hostSessionID: String, approvalID: String, token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    let (sessionID, _) = try await session(of: approvalID, hostSessionID, token)
    let parts = try await runner.permission(sessionID, approvalID).parts(atLeast: 3)
    let name = try parts.part(2)
    return ReplyBody.object([
      ("approval", try parts.part(0)), ("resolvedByName", name.readableBytes > 0 ? name : nil),
    ])
  }

  /// `DELETE /api/host-sessions/{hid}/permissions/{aid}`: the agent no longer asks.
  ///
  /// - Returns: `{approval}`.
  /// - Throws: `APPROVAL_NOT_FOUND`, `APPROVAL_ALREADY_RESOLVED`.
  public func withdraw(
    _ hostSessionID: String, approvalID: String, token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    let (sessionID, cancelling) = try await session(of: approvalID, hostSessionID, token)
    let parts = try await runner.session(
      ScriptLibrary.permissionWithdraw, sessionID,
      keys: [runner.keys.approval(sessionID, approvalID), runner.keys.permissions(sessionID)],
      arguments: [.string(approvalID), .string(cancelling)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("approval", try parts.part(0))])
  }

  /// Checks the token.
  ///
  /// - Returns: the dispatch whose turn is being cancelled, '' when none is.
  @discardableResult
  private func authorize(_ hostSessionID: String, _ token: String) async throws(SharedSessionError) -> String {
    try await runner.host(ScriptLibrary.hostRead, hostSessionID, tokenDigest: Secrets.digest(token))
      .parts(atLeast: 9).text(8)
  }

  private func session(
    of approvalID: String, _ hostSessionID: String, _ token: String
  ) async throws(SharedSessionError) -> (id: String, cancelling: String) {
    let cancelling = try await authorize(hostSessionID, token)
    guard Secrets.isID(approvalID),
      let id = try await runner.send("GET", key: runner.keys.hostPermission(hostSessionID, approvalID)).string
    else { throw SharedSessionError(.approvalNotFound) }
    return (id, cancelling)
  }
}

extension ScriptRunner {
  /// A permission request as it is now: approval, members of a `permission` frame, name of the resolver (both as JSON).
  func permission(_ sessionID: String, _ approvalID: String) async throws(SharedSessionError) -> ScriptOutcome {
    try await session(
      ScriptLibrary.permissionRead, sessionID, keys: [keys.approval(sessionID, approvalID)],
      arguments: [.string(approvalID)])
  }

  /// Which prompt of which session a dispatch of a host session belongs to; nil when it has none of that id.
  func dispatchPlace(
    _ hostSessionID: String, _ dispatchID: String
  ) async throws(SharedSessionError) -> (session: String, approval: String)? {
    guard Secrets.isID(dispatchID),
      let place = try await send("GET", key: keys.hostDispatch(hostSessionID, dispatchID)).string
    else { return nil }
    let ids = place.split(separator: " ").map(String.init)
    guard ids.count == 2 else { throw SharedSessionError(.internalError) }
    return (ids[0], ids[1])
  }

  /// Runs an operation that ends a turn with the ids of what the agent asked in it, until those were all there are.
  ///
  /// Most turns end with nothing waiting, so the first try is made without looking.
  func withWaitingPermissions(
    _ sessionID: String, of dispatchID: String,
    _ body: ([String]) async throws(SharedSessionError) -> ScriptOutcome
  ) async throws(SharedSessionError) -> ScriptOutcome {
    var outcome = try await body([])
    for _ in 1..<Self.tries where outcome.refusal == "retry" {
      let flat = try await send("HGETALL", key: keys.permissions(sessionID)).array?.compactMap(\.string) ?? []
      let waiting = stride(from: 0, to: flat.count - 1, by: 2).filter { flat[$0 + 1] == dispatchID }.map { flat[$0] }
      outcome = try await body(waiting)
    }
    return outcome
  }

  /// The host session behind a shared session.
  func hostSession(of sessionID: String) async throws(SharedSessionError) -> String? {
    try await send("HGET", key: keys.session(sessionID), "hostSessionId").string
  }

  /// Tells the node the bridge is attached to that permission requests are resolved. A hint: the bridge also asks by itself.
  func announce(permissions approvalIDs: [String], of sessionID: String) async {
    guard !approvalIDs.isEmpty else { return }
    do {
      guard let hostSessionID = try await hostSession(of: sessionID) else { return }
      for id in approvalIDs {
        _ = try await host(ScriptLibrary.hostSignal, hostSessionID, arguments: [.string(sessionID), .string(id)])
      }
    } catch {
      logger.info(
        "An answer to the agent could not be announced; its bridge will ask for it",
        metadata: ["session.id": .string(sessionID)])
    }
  }
}
