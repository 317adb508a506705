/// One configuration key: everything there is to say about it, in one place.
///
/// Isolation: an immutable value. The table of all keys is ``ConfigurationKey/all``; parsing, `--help`,
/// `config/tandem.json`, the README's table and `tandem check-config` are all made from it.
struct ConfigurationKey: Sendable {
  /// What form a value has and which values are allowed.
  enum Kind: Sendable {
    /// Text, with the rule it must obey.
    case text(TextRule)
    /// One of a few words.
    case choice([String])
    /// A whole number within a range.
    case integer(ClosedRange<Int>)
    /// A number of bytes, written as a number or with `KiB`, `MiB` or `GiB`.
    case bytes(ClosedRange<Int>)
    /// The same, or 0 for no bound.
    case optionalBytes(ClosedRange<Int>)
    /// A length of time, written as a number of seconds or with `ms`, `s`, `m`, `h` or `d`.
    case duration(ClosedRange<Duration>)
    /// `true` or `false`.
    case boolean
    /// Several texts: an array in the file, separated by commas elsewhere.
    case list(TextRule)
  }

  /// The name in the file: components separated by dots, each one level of nesting.
  let name: String
  /// The form and the allowed values.
  let kind: Kind
  /// Where the value lives: in the settings of the part that uses it.
  let field: ConfigurationField
  /// The default as one would write it, or nil when leaving the key out has a meaning of its own (see `doc`).
  let defaultText: String?
  /// Whether the value must never be printed as it is.
  let isSecret: Bool
  /// One sentence for the person who sets it.
  let doc: String

  init(_ name: String, _ kind: Kind, _ field: ConfigurationField, secret isSecret: Bool = false, _ doc: String) {
    self.name = name
    self.kind = kind
    self.field = field
    self.defaultText = field.get(TandemConfiguration()).map { $0.text(for: kind) }
    self.isSecret = isSecret
    self.doc = doc
  }

  /// The parts of the name, outermost first.
  var components: [String] { name.split(separator: ".").map(String.init) }

  /// The environment variable that sets it: `dispatch.lease` is `TANDEM_DISPATCH_LEASE`.
  var environmentName: String {
    "TANDEM_" + components.map { Self.words(of: $0).joined(separator: "_").uppercased() }.joined(separator: "_")
  }

  /// The flag that sets it: `join.reuse` is `--join-reuse`.
  var flagName: String {
    "--" + components.map { Self.words(of: $0).joined(separator: "-").lowercased() }.joined(separator: "-")
  }

  /// What a value may be, as the end of the sentence "it must be ...".
  var allowed: String {
    switch kind {
    case .text(let rule), .list(let rule):
      if case .list = kind { return "a list in which each entry is \(rule.allowed)" }
      return rule.allowed
    case .choice(let words): return words.joined(separator: " or ")
    case .integer(let range): return "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .bytes(let range): return Self.allowed(range)
    case .optionalBytes(let range): return "0, or " + Self.allowed(range)
    case .duration(let range):
      return "a time in seconds (or with ms, s, m, h, d) from \(DurationText.format(range.lowerBound)) to "
        + DurationText.format(range.upperBound)
    case .boolean: return "true or false"
    }
  }

  private static func allowed(_ range: ClosedRange<Int>) -> String {
    "a number of bytes (or with KiB, MiB, GiB) from \(ByteCountText.format(range.lowerBound)) to "
      + ByteCountText.format(range.upperBound)
  }

  /// One word for the form, used in `--help`.
  var placeholder: String {
    switch kind {
    case .text: "<text>"
    case .choice(let words): "<" + words.joined(separator: "|") + ">"
    case .integer: "<number>"
    case .bytes, .optionalBytes: "<bytes>"
    case .duration: "<time>"
    case .boolean: "<true|false>"
    case .list: "<text,...>"
    }
  }

  /// `streamsPerNode` is `streams`, `Per`, `Node`.
  private static func words(of component: String) -> [String] {
    var words: [String] = []
    var word = ""
    for character in component {
      if character.isUppercase && !word.isEmpty {
        words.append(word)
        word = ""
      }
      word.append(character)
    }
    return word.isEmpty ? words : words + [word]
  }
}

/// What text a key takes.
///
/// Isolation: an immutable value.
struct TextRule: Sendable {
  /// The end of the sentence "it must be ...".
  let allowed: String
  /// Whether a text obeys the rule.
  let accepts: @Sendable (String) -> Bool

  init(_ allowed: String, accepts: @escaping @Sendable (String) -> Bool) {
    self.allowed = allowed
    self.accepts = accepts
  }

  /// Anything but the empty text and control characters.
  static func printable(_ allowed: String, maximumLength: Int = 4096) -> TextRule {
    TextRule(allowed) { text in
      !text.isEmpty && text.utf8.count <= maximumLength && !text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
  }

  /// Characters out of a set, and a length.
  static func characters(_ allowed: String, _ characters: String, length: ClosedRange<Int>) -> TextRule {
    let permitted = Set(characters.utf8)
    return TextRule(allowed) { text in length.contains(text.utf8.count) && text.utf8.allSatisfy(permitted.contains) }
  }
}
