public import JSONText
import NIOCore

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

    /// Reads an option; nil when it has no id.
    public init?(_ option: JSONText) {
      guard let id = option["optionId"]?.string else { return nil }
      self.id = id
      name = option["name"]?.string ?? id
      kind = option["kind"]?.string ?? ""
      text = option
    }
  }

  /// Names this question on its connection.
  public let key: Int
  /// The agent's session it belongs to.
  public let sessionID: String
  /// What the agent wants to do, in its words.
  public private(set) var title: String
  /// The tool call: what the agent says of it in its question, and what it has said of it before.
  public private(set) var toolCall: JSONText
  /// The tool call as it stands in the question alone.
  public private(set) var askedToolCall: JSONText
  /// The answers to choose from.
  public private(set) var options: [Option]

  /// Reads the parameters of `session/request_permission`; nil when they are not what the protocol says.
  public init?(key: Int, params: JSONText?) {
    guard let params, let sessionID = params["sessionId"]?.string, let toolCall = params["toolCall"],
      toolCall.kind == .object, let options = params["options"], options.kind == .array
    else { return nil }
    self.key = key
    self.sessionID = sessionID
    self.toolCall = toolCall
    askedToolCall = toolCall
    title = Self.title(of: toolCall)
    self.options = options.elements.compactMap { Option($0) }
  }

  private static func title(of toolCall: JSONText) -> String {
    [toolCall["title"]?.string, toolCall["toolCallId"]?.string].compactMap { $0 }.first { !$0.isEmpty } ?? "a tool call"
  }

  /// The question with what the agent has said of its tool call before: many agents only name it.
  func completed(by calls: RecentToolCalls) -> AgentPermissionRequest {
    var request = self
    request.toolCall = calls.complete(askedToolCall, sessionID: sessionID)
    request.title = Self.title(of: request.toolCall)
    return request
  }

  /// The question for people who are not to see the agent's tool calls: without what it has said before, which is marked
  /// as cut.
  public var withoutEarlierUpdates: AgentPermissionRequest {
    var request = self
    let left = toolCall.members.filter { name, value in
      RecentToolCalls.fields.contains(name) && askedToolCall[name]?.isNull != false && !value.isNull
    }
    let cuts = left.map { ToolCallCut(field: $0.name, bytes: $0.value.bytes.readableBytes) }
    request.toolCall = ToolCallCut.mark(cuts + ToolCallCut.cuts(of: toolCall), in: askedToolCall)
    request.title = Self.title(of: askedToolCall)
    return request
  }

  /// The question with each of its parts changed; what has no id any more is left out.
  public func mapped(_ change: (JSONText) -> JSONText) -> AgentPermissionRequest {
    var request = self
    request.toolCall = change(toolCall)
    request.askedToolCall = change(askedToolCall)
    request.options = options.compactMap { Option(change($0.text)) }
    request.title = Self.title(of: request.toolCall)
    return request
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
