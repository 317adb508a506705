public import JSONText

/// A `session/update` of the agent; an immutable value.
public struct AgentNotification: Sendable, Hashable {
  /// The agent's session it is about.
  public let sessionID: String
  /// The kind of update, `sessionUpdate` in the protocol: `agent_message_chunk`, `tool_call`, ... Kinds that are not
  /// known here are passed on like the others.
  public let kind: String
  /// The whole notification, byte for byte as the agent wrote it.
  public let text: JSONText
  /// Whether it tells of what has happened before the session was opened here.
  public private(set) var isReplayed = false

  /// Reads a notification; nil when it is no `session/update` with a session and a kind.
  public init?(_ text: JSONText) {
    guard text["method"]?.string == "session/update", let params = text["params"],
      let sessionID = params["sessionId"]?.string, let kind = params["update"]?["sessionUpdate"]?.string
    else { return nil }
    self.sessionID = sessionID
    self.kind = kind
    self.text = text
  }

  /// The same, as one of earlier.
  func replayed() -> AgentNotification {
    var notification = self
    notification.isReplayed = true
    return notification
  }

  /// The update itself.
  public var update: JSONText { text["params"]?["update"] ?? .null }
}

/// Why a turn of the agent ended. Values beyond the protocol's own are kept as they are.
public struct AgentStopReason: RawRepresentable, Sendable, Hashable {
  /// The protocol's word.
  public let rawValue: String

  /// A reason by the protocol's word.
  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// The agent said all it had to say.
  public static let endTurn = AgentStopReason(rawValue: "end_turn")
  /// The turn was cancelled.
  public static let cancelled = AgentStopReason(rawValue: "cancelled")
}
