internal import JSONText
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
    let repeatable = idempotency.map(Idempotency.init)
    let found = try await runner.place(of: request.dispatchID, hostSessionID, token: token, once: repeatable)
    if let first = found.firstAnswer { return ReplyBody.object([("approval", first)]) }
    guard let place = found.dispatch else { throw SharedSessionError(.dispatchNotFound) }
    let approvalID = repeatable?.derivedID("permission of \(request.dispatchID)") ?? Secrets.newID()
    let outcome = try await runner.session(
      ScriptLibrary.permissionRequest, place.session, once: repeatable,
      [
        "prompt_id": .string(place.approval), "dispatch_id": .string(request.dispatchID), "id": .string(approvalID),
        "summary": .quoted(request.summary), "tool_call": .bytes(request.toolCall),
        "options": .bytes(request.options), "choices": .string(try Self.choices(request.options)),
        "most_asked": .integer(runner.settings.maximumPendingPermissions),
      ])
    if outcome.refusal == ErrorCode.approvalLimit.rawValue { refused.increment() }
    if case .ok = outcome { requested.increment() }
    return try await runner.asked(outcome, approvalID, in: place.session, hostSessionID, once: repeatable)
  }

  /// The options as `include_option.lua` reads them: a line each, the side it is on, its kind, its id as JSON.
  static func choices(_ options: ByteBuffer) throws(SharedSessionError) -> String {
    let list: JSONText
    do { list = try JSONText(validating: options) } catch { throw SharedSessionError(.internalError) }
    var lines: [String] = []
    for option in list.elements {
      guard let id = option["optionId"]?.string, let kind = option["kind"]?.string else { continue }
      let side = kind.hasPrefix("reject") ? "reject" : "approve"
      let known = ["allow_once", "allow_always", "reject_once", "reject_always"].contains(kind)
      lines.append("\(side) \(known ? kind : "other") \(String(buffer: JSONText(string: id).bytes))")
    }
    return lines.joined(separator: "\n")
  }

  /// `GET /api/host-sessions/{hid}/permissions/{aid}`: what has become of a request; also after its session has ended.
  ///
  /// - Returns: `{approval, resolvedByName?}`.
  /// - Throws: `APPROVAL_NOT_FOUND`.
  public func get(
    _ hostSessionID: String, approvalID: String, token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    try await runner.request(.permission, hostSessionID, approvalID, token)
  }

  /// `DELETE /api/host-sessions/{hid}/permissions/{aid}`: the agent no longer asks.
  ///
  /// - Returns: `{approval}`.
  /// - Throws: `APPROVAL_NOT_FOUND`, `APPROVAL_ALREADY_RESOLVED`.
  public func withdraw(
    _ hostSessionID: String, approvalID: String, token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    try await runner.withdraw(.permission, hostSessionID, approvalID, token)
  }
}
