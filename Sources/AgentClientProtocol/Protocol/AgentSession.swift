public import JSONText

/// A conversation with an agent as it was opened; an immutable value.
public struct AgentSession: Sendable, Hashable {
  /// The id the agent gave it.
  public let id: String
  /// ACP's `modes`, `{currentModeId, availableModes}`, when the agent has any.
  public let modes: JSONText?
  /// ACP's `configOptions`, a list, when the agent has any.
  public let options: JSONText?
  /// Whether it goes on with a conversation from before.
  public let isContinued: Bool

  /// Reads what the agent answered when it was opened.
  init(id: String, result: JSONText, isContinued: Bool) {
    self.id = id
    modes = result["modes"].flatMap { $0.kind == .object ? $0 : nil }
    options = result["configOptions"].flatMap { $0.kind == .array ? $0 : nil }
    self.isContinued = isContinued
  }
}

/// An agent and the conversation with it; an immutable value.
public struct AgentProfile: Sendable, Hashable {
  /// What the agent says about itself.
  public let description: AgentDescription
  /// The conversation.
  public let session: AgentSession
}

/// A change of how an agent works; an immutable value.
public enum AgentControl: Sendable, Hashable {
  /// The mode of this id.
  case mode(String)
  /// The option of this id gets this value: a string, or true or false.
  case option(String, value: JSONText)
}
