public import JSONText

/// A question of the agent that stops its turn until it is answered; an immutable value.
public struct AgentPermissionRequest: Sendable, Hashable {
  /// One of the answers the agent offers.
  public struct Option: Sendable, Hashable {
    /// What is sent back.
    public let id: String
    /// What a person reads.
    public let name: String
    /// `allow_once`, `allow_always`, `reject_once`, `reject_always`; agents may send others. Several options may share
    /// a kind, so only the id tells them apart.
    public let kind: String
    /// The option as the agent described it.
    public let text: JSONText
  }

  /// Names this question on its connection.
  public let key: Int
  /// The agent's session it belongs to.
  public let sessionID: String
  /// What the agent wants to do, in its words.
  public let title: String
  /// The tool call as the agent described it.
  public let toolCall: JSONText
  /// The answers to choose from.
  public let options: [Option]

  /// Reads the parameters of `session/request_permission`; nil when they are not what the protocol says.
  public init?(key: Int, params: JSONText?) {
    guard let params, let sessionID = params["sessionId"]?.string, let toolCall = params["toolCall"],
      toolCall.kind == .object, let options = params["options"], options.kind == .array
    else { return nil }
    self.key = key
    self.sessionID = sessionID
    self.toolCall = toolCall
    title = toolCall["title"]?.string ?? toolCall["toolCallId"]?.string ?? "a tool call"
    self.options = options.elements.compactMap { option in
      guard let id = option["optionId"]?.string else { return nil }
      return Option(id: id, name: option["name"]?.string ?? id, kind: option["kind"]?.string ?? "", text: option)
    }
  }

  /// The first option that refuses this one time, else nobody's choice: what to answer when nobody can be asked.
  public var refusal: AgentPermissionOutcome { first(ofKind: "reject_once") }

  /// The first option that allows this one time, else nobody's choice.
  public var allowance: AgentPermissionOutcome { first(ofKind: "allow_once") }

  private func first(ofKind kind: String) -> AgentPermissionOutcome {
    options.first { $0.kind == kind }.map { .selected(optionID: $0.id) } ?? .cancelled
  }
}

/// The answer to a permission request.
public enum AgentPermissionOutcome: Sendable, Hashable {
  /// The option with this id.
  case selected(optionID: String)
  /// No choice was made: the turn was cancelled, or nobody could be asked.
  case cancelled

  var result: JSONText {
    JSONText {
      $0.add("outcome") { outcome in
        switch self {
        case .selected(let optionID):
          outcome.add("outcome", "selected")
          outcome.add("optionId", optionID)
        case .cancelled:
          outcome.add("outcome", "cancelled")
        }
      }
    }
  }
}
