import AgentClientProtocol
import JSONText
import NIOCore

/// The body with which a question of the agent is asked in its session; functions without state.
enum PermissionBody {
  /// How much of the agent's words is sent. What no node takes is asked with less, and says that something is missing.
  enum Size: Sendable, Hashable {
    /// As the agent sent it.
    case whole
    /// Without its large parts.
    case trimmed
    /// What it is called, and nothing else.
    case least

    /// The next smaller one.
    var smaller: Size? {
      switch self {
      case .whole: .trimmed
      case .trimmed: .least
      case .least: nil
      }
    }
  }

  /// What isn't even tried as a whole: a body of a node is at most 256 KiB by default, and far less is shown to people.
  private static let wholeBytes = 240 * 1024
  /// Characters of a title or name that are left in the least form.
  private static let leastCharacters = 300

  /// The size to begin with.
  static func firstSize(_ request: AgentPermissionRequest) -> Size {
    let bytes = request.toolCall.bytes.readableBytes + request.options.reduce(0) { $0 + $1.text.bytes.readableBytes }
    return bytes <= wholeBytes ? .whole : .trimmed
  }

  /// The body.
  static func body(_ request: AgentPermissionRequest, dispatchID: String, _ size: Size) -> JSONText {
    JSONText { body in
      body.add("dispatchId", dispatchID)
      body.add("toolCall", toolCall(request.toolCall, size))
      body.add("options", JSONText(array: request.options.map { option($0, size) }))
    }
  }

  private static func toolCall(_ toolCall: JSONText, _ size: Size) -> JSONText {
    guard size != .whole else { return toolCall }
    return JSONText { object in
      for (name, value) in toolCall.members where name != "_meta" {
        switch size {
        case .least:
          guard ["toolCallId", "title", "kind"].contains(name), let text = value.string else { continue }
          object.add(name, shortened(text))
        default:
          if NotificationTrimmer.fits(value, NotificationTrimmer.partBytes) { object.add(name, value) }
        }
      }
      object.add("_meta") { $0.add("tandem") { $0.add("truncated", true) } }
    }
  }

  /// An option with everything a node wants of it; agents leave out what the protocol calls required.
  private static func option(_ option: AgentPermissionRequest.Option, _ size: Size) -> JSONText {
    if size == .whole, ["name", "kind"].allSatisfy({ option.text[$0]?.string?.isEmpty == false }) {
      return option.text
    }
    return JSONText {
      $0.add("optionId", option.id)
      $0.add("name", shortened(option.name))
      $0.add("kind", option.kind.isEmpty ? "other" : shortened(option.kind))
    }
  }

  private static func shortened(_ text: String) -> String {
    text.unicodeScalars.count <= leastCharacters
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(leastCharacters))) + "…"
  }
}
