public import AgentClientProtocol
public import JSONText

/// Who shows the host what happens, and asks them. Implementations synchronise themselves.
public protocol HostObserver: Sendable {
  /// Sharing has begun. Called once, before any event.
  func sharing(_ session: SharedSession, _ control: HostControl) async

  /// An event of the shared session, in order; also `stream_reset`, when some could not be shown.
  func event(_ event: JSONText) async

  /// An event was too large, or not readable, and is missing here.
  func eventSkipped() async

  /// The agent asks for permission. The task is cancelled when nobody needs the answer any more.
  ///
  /// - Returns: the host's choice, or nil when the host can't be asked.
  func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome?

  /// What the host is or was asked is settled, by themselves or by somebody else in the session.
  func permissionSettled(_ request: AgentPermissionRequest, _ settlement: PermissionSettlement) async

  /// Secrets were taken out of what the agent has said since this was told last.
  func secretsRemoved(_ count: RedactionCount) async

  /// An event as viewers see it, for hosts that want to look.
  func viewerSees(_ event: JSONText) async
}

extension HostObserver {
  /// Says nothing: the event of the session tells the same.
  public func permissionSettled(_ request: AgentPermissionRequest, _ settlement: PermissionSettlement) async {}

  /// Shows nothing.
  public func viewerSees(_ event: JSONText) async {}

  /// Says nothing: what is published says what is missing.
  public func secretsRemoved(_ count: RedactionCount) async {}
}

/// What the host can do from the place they watch; an immutable value.
public struct HostControl: Sendable {
  let api: HostAPI
  let session: SharedSession

  /// Approves or rejects a prompt that waits.
  ///
  /// - Parameter promptHash: the SHA-256 of the text that the host was shown, in hexadecimal.
  /// - Throws: `NodeError.refused` with `APPROVAL_ALREADY_RESOLVED` when it is no longer there or somebody was faster,
  ///   `PROMPT_CHANGED` when its text is another one.
  public func resolve(approvalID: String, approve: Bool, promptHash: String) async throws(NodeError) {
    // One key for all attempts: an answer that was lost on its way must not look as if somebody else had been faster.
    let call = api.resolve(
      approvalID, approve: approve, promptHash: promptHash, of: session, key: IdempotencyKey.make())
    _ = try await api.client.insist(on: call)
  }

  /// Answers a question of the agent, or declines to.
  ///
  /// - Parameter answer: the fields, nil for a question that has none.
  /// - Throws: `NodeError.refused` with `APPROVAL_ALREADY_RESOLVED` when it is no longer there or somebody was faster,
  ///   `INVALID_ANSWER` with a sentence when it does not fit.
  public func reply(approvalID: String, approve: Bool, answer: JSONText?) async throws(NodeError) {
    let call = api.reply(approvalID, approve: approve, answer: answer, of: session, key: IdempotencyKey.make())
    _ = try await api.client.insist(on: call)
  }
}
