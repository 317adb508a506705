import JSONText
import NIOCore
import TestSupport

@testable import SharedSessions

/// A turn that runs: a prompt of a collaborator that a scripted bridge has started. Sendable: immutable.
struct RunningTurn: Sendable {
  let world: World
  let shared: Shared
  let author: ParticipantCredentials
  let bridge: ScriptedBridge
  let dispatch: JSONText

  static let toolCall =
    #"{"toolCallId":"c1","title":"rm -rf build","kind":"execute","rawInput":{"big":12345678901234567890}}"#
  static let options = #"""
    [{"optionId":"always","name":"Always","kind":"allow_always"},{"optionId":"once","name":"Once","kind":"allow_once"},{"optionId":"no","name":"No","kind":"reject_once"}]
    """#

  /// The id of the dispatch.
  func dispatchID() throws -> String { try need(dispatch["dispatchId"]?.string) }

  /// The agent asks, on either node.
  func ask(
    node: Int = 0, toolCall: String = Self.toolCall, options: String = Self.options, dispatchID: String? = nil,
    key: String? = nil
  ) async throws -> JSONText {
    let request = PermissionRequest(
      dispatchID: try dispatchID ?? self.dispatchID(), summary: "rm -rf build",
      toolCall: ByteBuffer(string: toolCall), options: ByteBuffer(string: options))
    let repeatable = key.map {
      IdempotencyRequest(key: $0, route: "POST permissions", caller: "bridge", body: ByteBuffer(string: toolCall))
    }
    let body = try await world.nodes[node].permissions.request(
      shared.hostSessionID, token: shared.hostToken, request, idempotency: repeatable)
    return try need(json(body)["approval"])
  }

  /// Asks, and gives the approval's id.
  func asked(node: Int = 0) async throws -> String { try need(await ask(node: node)["id"]?.string) }

  @discardableResult
  func answer(
    _ approvalID: String, _ optionID: String? = nil, action: ApprovalAction? = nil, by: ParticipantCredentials? = nil,
    node: Int = 1, reason: String? = nil, editedPrompt: String? = nil, promptHash: String? = nil
  ) async throws -> JSONText {
    let body = try await world.nodes[node].approvals.resolve(
      shared.id, approvalID: approvalID, credentials: by ?? shared.host, action: action, reason: reason,
      editedPrompt: editedPrompt, promptHash: promptHash, optionID: optionID)
    return try need(json(body)["approval"])
  }

  /// What the bridge reads of a request.
  func read(_ approvalID: String, node: Int = 1) async throws -> JSONText {
    try json(
      await world.nodes[node].permissions.get(shared.hostSessionID, approvalID: approvalID, token: shared.hostToken))
  }

  @discardableResult
  func withdraw(_ approvalID: String) async throws -> JSONText {
    let body = try await world.one.permissions.withdraw(
      shared.hostSessionID, approvalID: approvalID, token: shared.hostToken)
    return try need(json(body)["approval"])
  }

  /// Makes a participant who may decide.
  func delegate(_ user: String = "dora") async throws -> ParticipantCredentials {
    let credentials = try await world.join(shared, user)
    _ = try await world.one.sessions.changeRole(
      shared.id, participantID: credentials.participantID, role: nil, canApprove: true, credentials: shared.host)
    return credentials
  }

  /// The events about one approval that a permission can have, oldest first.
  func events(about approvalID: String) async throws -> [(type: String, payload: JSONText)] {
    try await world.events(shared.id).filter {
      $0.type.hasPrefix("permission_") && $0.payload["approval"]?["id"]?.string == approvalID
    }
  }
}

/// Calls `body` while a turn runs.
func withTurn(
  sweeping: Bool = false, configure: (inout SharedSessionSettings) -> Void = { _ in },
  _ body: @Sendable (RunningTurn) async throws -> Void
) async throws {
  try await withWorld(sweeping: sweeping, configure: configure) { world in
    try await withTurn(in: world, body)
  }
}

/// Calls `body` while a turn runs in a session of its own.
func withTurn(in world: World, _ body: @Sendable (RunningTurn) async throws -> Void) async throws {
  let shared = try await world.share()
  let author = try await world.join(shared, "carl")
  let approval = try await world.prompt(shared, author, "clean up")
  try await withBridge(world, shared) { bridge in
    try await world.approve(shared, approval)
    let dispatch = try await bridge.nextDispatch()
    try await bridge.report(dispatch, .started)
    try await body(
      RunningTurn(world: world, shared: shared, author: author, bridge: bridge, dispatch: dispatch))
  }
}
