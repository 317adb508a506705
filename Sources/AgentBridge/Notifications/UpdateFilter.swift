public import AgentClientProtocol

/// Which kinds of updates the host keeps to themselves; an immutable value.
///
/// Agents' thoughts have been seen to hold their whole instructions, and tool calls hold what is in the host's files.
public struct UpdateFilter: Sendable, Hashable {
  private let hidden: Set<String>

  /// Words for the kinds people want to hide; any kind of the protocol is understood as well.
  public static let words: [String: [String]] = [
    "thoughts": ["agent_thought_chunk"],
    "plans": ["plan", "plan_update", "plan_removed"],
    "tools": ["tool_call", "tool_call_update"],
    "commands": ["available_commands_update"],
    "usage": ["usage_update"],
    "modes": ["current_mode_update", "config_option_update"],
  ]

  /// A filter from a list of words and kinds.
  public init(hiding names: [String] = []) {
    hidden = Set(names.flatMap { Self.words[$0] ?? [$0] })
  }

  /// Whether a kind of update is kept back.
  func hides(_ kind: String) -> Bool { hidden.contains(kind) }

  /// Whether what the agent says of its tool calls is kept back.
  var hidesToolCalls: Bool { !hidden.isDisjoint(with: Self.words["tools"] ?? []) }

  /// Whether an update may be seen by the others.
  public func allows(_ notification: AgentNotification) -> Bool {
    !hidden.contains(notification.kind)
  }
}
