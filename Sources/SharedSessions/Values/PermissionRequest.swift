public import NIOCore

/// The body of `POST /api/host-sessions/{hid}/permissions`, form already checked: what an agent asks in the middle of a turn.
public struct PermissionRequest: Sendable {
  /// The dispatch whose turn waits for the answer.
  public var dispatchID: String
  /// What is asked in a few words, for whoever knows nothing of tool calls.
  public var summary: String
  /// The tool call as the agent sent it: a JSON object without line ends.
  public var toolCall: ByteBuffer
  /// The options as the agent sent them: a JSON array without line ends, each with `optionId`, `name` and `kind`.
  public var options: ByteBuffer

  /// Gathers the fields.
  public init(dispatchID: String, summary: String, toolCall: ByteBuffer, options: ByteBuffer) {
    self.dispatchID = dispatchID
    self.summary = summary
    self.toolCall = toolCall
    self.options = options
  }
}
