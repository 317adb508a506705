/// A value of a key, checked.
///
/// Isolation: an immutable value.
enum ConfigurationValue: Sendable, Hashable {
  case text(String)
  case integer(Int)
  case duration(Duration)
  case boolean(Bool)
  case list([String])

  /// Reads a value written as text (flags, environment and the file's scalars all arrive as text).
  /// Nil when it breaks the key's rule.
  init?(parsing text: String, for kind: ConfigurationKey.Kind) {
    switch kind {
    case .text(let rule):
      guard rule.accepts(text) else { return nil }
      self = .text(text)
    case .choice(let words):
      guard words.contains(text) else { return nil }
      self = .text(text)
    case .integer(let range):
      guard Self.isDecimal(text), let number = Int(text), range.contains(number) else { return nil }
      self = .integer(number)
    case .bytes(let range):
      guard let number = ByteCountText.parse(text), range.contains(number) else { return nil }
      self = .integer(number)
    case .optionalBytes(let range):
      guard let number = ByteCountText.parse(text), number == 0 || range.contains(number) else { return nil }
      self = .integer(number)
    case .duration(let range):
      guard let duration = DurationText.parse(text), range.contains(duration) else { return nil }
      self = .duration(duration)
    case .boolean:
      guard text == "true" || text == "false" else { return nil }
      self = .boolean(text == "true")
    case .list:
      let entries = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      self.init(entries: entries, for: kind)
    }
  }

  /// Reads a value given as a list. Nil when the key takes no list or an entry breaks its rule.
  init?(entries: [String], for kind: ConfigurationKey.Kind) {
    guard case .list(let rule) = kind, entries.allSatisfy(rule.accepts) else { return nil }
    self = .list(entries)
  }

  /// The value as a person would write it.
  func text(for kind: ConfigurationKey.Kind) -> String {
    switch self {
    case .text(let text): text
    case .integer(let number):
      switch kind {
      case .bytes, .optionalBytes: ByteCountText.format(number)
      default: String(number)
      }
    case .duration(let duration): DurationText.format(duration)
    case .boolean(let flag): String(flag)
    case .list(let entries): entries.joined(separator: ",")
    }
  }

  /// Digits with an optional minus: what `Int` takes, without its leading plus.
  private static func isDecimal(_ text: String) -> Bool {
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    return !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}
