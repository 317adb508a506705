public import JSONText

/// What a bridge says of its agent, when it registers or later in a notification: an immutable value. Its form is checked by whoever
/// takes it in; what is too large is cut where it is kept.
public struct AgentIntroduction: Sendable, Hashable {
  /// The method of the notification with which a bridge says it anew, because its agent was started again. It begins with `_`, as
  /// the protocol wants of everybody's own methods.
  public static let method = "_tandem/agent"

  /// What the agent is called.
  public var name: String?
  /// Its version.
  public var version: String?
  /// ACP's `agentCapabilities`, an object.
  public var capabilities: JSONText?
  /// ACP's `modes` of the answer to `session/new`: `{currentModeId, availableModes}`.
  public var modes: JSONText?
  /// ACP's `configOptions` of the same answer, a list.
  public var options: JSONText?
  /// Whether the agent goes on with the conversation it had before. Else its commands, usage, title and plan are gone.
  public var isContinued: Bool

  /// What a bridge says when it registers or again: `{name?, version?, capabilities?, modes?, configOptions?, continued?}`. What has
  /// another form is left out.
  public init(_ fields: JSONText) {
    name = fields["name"]?.string
    version = fields["version"]?.string
    capabilities = fields["capabilities"].flatMap { $0.kind == .object ? $0.compacted() : nil }
    modes = fields["modes"].flatMap { $0.kind == .object ? $0.compacted() : nil }
    options = fields["configOptions"].flatMap { $0.kind == .array ? $0.compacted() : nil }
    isContinued = fields["continued"]?.bool ?? false
  }

  /// The notification that says it.
  var notification: JSONText {
    JSONText {
      $0.add("jsonrpc", "2.0")
      $0.add("method", Self.method)
      $0.add("params") { params in
        params.add("name", name)
        params.add("version", version)
        params.add("capabilities", capabilities)
        params.add("modes", modes)
        params.add("configOptions", options)
        params.add("continued", isContinued)
      }
    }
  }
}

extension RegisterHostSession {
  /// All that is said of the agent; nil when nothing is.
  var introduction: AgentIntroduction? {
    guard agent != nil || agentName != nil else { return nil }
    var introduction = agent ?? AgentIntroduction(JSONText { _ in })
    (introduction.name, introduction.version) = (agentName, agentVersion)
    return introduction
  }
}
