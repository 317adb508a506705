import AgentClientProtocol
import JSONText
import NIOCore

/// The body with which a question of the agent is asked in its session; functions without state.
enum PermissionBody {
  /// How much of the agent's words is sent. What no node takes is asked with less, and says that something is missing.
  enum Size: Sendable, Hashable, CaseIterable {
    /// As the agent sent it.
    case whole
    /// With the beginnings of its long texts, and without what is large even so.
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
  /// Bytes of each text in the trimmed form.
  private static let textBytes = 2 * 1024
  /// Bytes of each field in the trimmed form: few enough for the five fields that an agent uses to pass together.
  private static let fieldBytes = 10 * 1024
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
    var cuts: [ToolCallCut] = []
    let smaller = JSONText { object in
      for (name, value) in toolCall.members where name != "_meta" {
        let rest = smallerField(name, value, size)
        object.add(name, rest)
        let missing = value.bytes.readableBytes - (rest?.bytes.readableBytes ?? 0)
        if rest != value { cuts.append(ToolCallCut(field: name, bytes: max(missing, 1))) }
      }
    }
    return ToolCallCut.mark(ToolCallCut.cuts(of: toolCall) + cuts, in: smaller)
  }

  /// What is left of a field; nil when nothing is.
  private static func smallerField(_ name: String, _ value: JSONText, _ size: Size) -> JSONText? {
    guard size == .trimmed else {
      guard ["toolCallId", "title", "kind"].contains(name), let text = value.string else { return nil }
      return text.unicodeScalars.count <= leastCharacters ? value : JSONText(string: shortened(text))
    }
    if NotificationTrimmer.fits(value, textBytes) { return value }
    let shorter = shorteningTexts(value)
    return NotificationTrimmer.fits(shorter, fieldBytes) ? shorter : nil
  }

  /// The same value with the beginning of each text in it that is too long.
  private static func shorteningTexts(_ value: JSONText) -> JSONText {
    switch value.kind {
    case .string:
      guard value.bytes.readableBytes > textBytes, let text = value.string, text.utf8.count > textBytes else {
        return value
      }
      let beginning = text.beginning(bytes: textBytes)
      return JSONText(string: "\(beginning)… (\(text.utf8.count - beginning.utf8.count) bytes are cut)")
    case .array: return JSONText(array: value.elements.map(shorteningTexts))
    case .object:
      return JSONText { object in for (name, value) in value.members { object.add(name, shorteningTexts(value)) } }
    default: return value
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

extension String {
  /// The longest beginning of at most so many bytes that ends with a whole Unicode scalar.
  func beginning(bytes: Int) -> String {
    guard utf8.count > bytes else { return self }
    var end = utf8.index(startIndex, offsetBy: max(bytes, 0))
    while end > startIndex, UTF8.isContinuation(utf8[end]) { end = utf8.index(before: end) }
    return String(self[..<end])
  }
}
