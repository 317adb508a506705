import AgentClientProtocol
import Basics
import JSONText

/// What a tool call and its answers look like in a terminal: pure functions from the agent's words to lines.
///
/// Whoever answers reads the exact command, arguments and difference. Every line of the agent's stands behind a bar, so that
/// none looks like an answer or a remark of ours. What doesn't fit into the rows there are is counted, and named as missing.
public struct ToolCallText: Sendable {
  /// Rows of a tool call that are shown unless told otherwise.
  public static let defaultRows = 200
  /// Characters that count as one row.
  static let rowBytes = 120
  /// Answers, and bytes of one, that are shown at first. A node takes fewer answers than that.
  static let maximumOptions = 64
  static let optionBytes = 400

  /// The text, with an end of line.
  private(set) var text = ""
  /// Whether something is missing, in the text or in what the agent's words became on their way here.
  private(set) var isCut: Bool

  /// - Parameter rows: how much is shown; nil for everything.
  init(_ toolCall: JSONText, options: [AgentPermissionRequest.Option], rows: Int?) {
    let cuts = ToolCallCut.cuts(of: toolCall)
    isCut = !cuts.isEmpty
    write(Self.title(toolCall) + Self.lines(toolCall), rows: rows)
    for cut in cuts {
      text +=
        "    ! \(VisibleText.show(cut.field, keepsLines: false)) is not complete: \(cut.bytes) bytes are missing here\n"
    }
    writeOptions(options, isWhole: rows == nil)
  }

  private mutating func write(_ lines: [String], rows: Int?) {
    var left = rows ?? Int.max
    var missing = (lines: 0, bytes: 0)
    for line in lines {
      let cost = 1 + line.utf8.count / Self.rowBytes
      if cost <= left {
        text += "    | \(line)\n"
      } else {
        let beginning = line.beginning(bytes: left * Self.rowBytes)
        if left > 0 { text += "    | \(beginning)\n" }
        missing.lines += 1
        missing.bytes += line.utf8.count - (left > 0 ? beginning.utf8.count : 0)
      }
      left = max(0, left - cost)
    }
    guard missing.lines > 0 else { return }
    isCut = true
    text += "    ! not shown: \(missing.bytes) bytes in \(missing.lines) lines\n"
  }

  private mutating func writeOptions(_ options: [AgentPermissionRequest.Option], isWhole: Bool) {
    for (index, option) in options.enumerated() {
      guard isWhole || index < Self.maximumOptions else {
        isCut = true
        text += "    ! not shown: \(options.count - index) more answers\n"
        return
      }
      let name = VisibleText.show(option.name, keepsLines: false)
      let shown = isWhole ? name : name.beginning(bytes: Self.optionBytes)
      let kind = VisibleText.show(option.kind, keepsLines: false).beginning(bytes: Self.optionBytes)
      text += "    \(index + 1)  \(shown)  (\(kind.isEmpty ? "of no kind" : kind))\n"
      if shown != name {
        isCut = true
        text += "    ! not shown: \(name.utf8.count - shown.utf8.count) bytes of this answer\n"
      }
    }
  }

  // MARK: - Lines

  /// Fields that say nothing to whoever answers, or are said otherwise.
  private static let silent: Set<String> = ["_meta", "sessionUpdate", "status", "title", "toolCallId", "rawOutput"]

  /// What the agent calls it, as the headline of its question.
  static func headline(_ title: String) -> String {
    let line = VisibleText.show(title, keepsLines: false)
    return line.utf8.count <= optionBytes ? line : line.beginning(bytes: optionBytes) + "..."
  }

  /// The title once more, when the headline isn't all of it.
  private static func title(_ toolCall: JSONText) -> [String] {
    guard let title = toolCall["title"], headline(title.string ?? "") != title.string else { return [] }
    return field("title", title)
  }

  /// Everything else there is to read.
  private static func lines(_ toolCall: JSONText) -> [String] {
    toolCall.members.flatMap { name, value -> [String] in
      if silent.contains(name) || value.isNull { return [] }
      switch (name, value.kind) {
      case ("rawInput", .object): return value.members.flatMap { field($0.name, $0.value) }
      case ("rawInput", _): return field("input", value)
      case ("locations", .array): return value.elements.flatMap(location)
      case ("content", .array): return value.elements.flatMap(content)
      default: return field(name, value)
      }
    }
  }

  private static func location(_ location: JSONText) -> [String] {
    guard let path = location["path"]?.string else { return field("at", location) }
    let line = location["line"]?.integer.map { ":\($0)" } ?? ""
    return ["at: " + VisibleText.show(path, keepsLines: false) + line]
  }

  private static func content(_ content: JSONText) -> [String] {
    switch content["type"]?.string {
    case "diff":
      guard let path = content["path"]?.string, let new = content["newText"]?.string else { break }
      return ["changes " + VisibleText.show(path, keepsLines: false)]
        + TextDifference.lines(from: content["oldText"]?.string, to: new)
    case "content":
      guard let text = content["content"]?["text"]?.string else { break }
      return field("says", JSONText(string: text))
    default: break
    }
    return field("content", content)
  }

  /// A named value: a text as it is, everything else as JSON on one line.
  private static func field(_ name: String, _ value: JSONText) -> [String] {
    let name = VisibleText.show(name, keepsLines: false)
    guard let text = value.string else {
      return ["\(name): " + VisibleText.show("\(value.plain)", keepsLines: false)]
    }
    let lines = VisibleText.lines(text)
    return lines.count == 1 ? ["\(name): \(lines[0])"] : ["\(name):"] + lines.map { "  \($0)" }
  }
}

extension JSONText {
  /// The same value on one line, with as few escapes as JSON allows: `"\u0072m"` would hide what it says.
  fileprivate var plain: JSONText {
    switch kind {
    case .string: JSONText(string: string ?? "")
    case .array: JSONText(array: elements.map(\.plain))
    case .object: JSONText { object in for (name, value) in members { object.add(name, value.plain) } }
    default: self
    }
  }
}

extension VisibleText {
  /// The lines of a text, each as it is shown.
  static func lines(_ text: String) -> [Substring] {
    // What is shown holds no other character that ends a line.
    show(text).split(separator: "\n", omittingEmptySubsequences: false)
  }
}
