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
    let parts = try outcome.parts(atLeast: 1)
    if case .ok = outcome { requested.increment() }
    // Also for a repeat: the node that took the first one may have died right here.
    _ = try await runner.host(
      ScriptLibrary.hostPlace, hostSessionID, once: repeatable,
      ["id": .string(approvalID), "session_id": .string(place.session), "reply": .bytes(try parts.part(0))]
    ).parts()
    return ReplyBody.object([("approval", try parts.part(0))])
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
    let (sessionID, _) = try await session(of: approvalID, hostSessionID, token)
    let parts = try await runner.permission(sessionID, approvalID).parts(atLeast: 6)
    let name = try parts.part(5)
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
      ScriptLibrary.permissionWithdraw, sessionID, ["id": .string(approvalID), "cancelling": .string(cancelling)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("approval", try parts.part(0))])
  }

  private func session(
    of approvalID: String, _ hostSessionID: String, _ token: String
  ) async throws(SharedSessionError) -> (id: String, cancelling: String) {
    let place = try await runner.place(of: approvalID, hostSessionID, token: token)
    guard place.dispatch == nil, Secrets.isID(place.text) else { throw SharedSessionError(.approvalNotFound) }
    return (place.text, place.cancelling)
  }
}

extension ScriptRunner {
  /// Where something of a host session belongs. A value.
  struct Place: Sendable {
    /// `session approval` of a dispatch, `session` of a request, '' of what is not known.
    let text: String
    /// The dispatch whose turn is being cancelled; '' when none is.
    let cancelling: String
    /// The answer there was to the request before, if this one repeats it.
    let firstAnswer: ByteBuffer?

    /// Session and approval of a dispatch.
    var dispatch: (session: String, approval: String)? {
      let ids = text.split(separator: " ").map(String.init)
      return ids.count == 2 ? (ids[0], ids[1]) : nil
    }
  }

  /// Checks a host token, and says where a dispatch or a request of that host session belongs.
  func place(
    of id: String, _ hostSessionID: String, token: String, once: Idempotency? = nil
  ) async throws(SharedSessionError) -> Place {
    let outcome = try await host(
      ScriptLibrary.hostCheck, hostSessionID, token: Secrets.digest(token), once: once,
      ["id": .string(Secrets.isID(id) ? id : "")])
    let parts = try outcome.parts(atLeast: 1)
    if case .repeated = outcome { return Place(text: "", cancelling: "", firstAnswer: try parts.part(0)) }
    return Place(text: try parts.text(0), cancelling: try parts.text(1), firstAnswer: nil)
  }

  /// A permission request as it is now, as `permission_read.lua` answers.
  func permission(_ sessionID: String, _ approvalID: String) async throws(SharedSessionError) -> ScriptOutcome {
    try await session(ScriptLibrary.permissionRead, sessionID, ["id": .string(approvalID)])
  }
}
