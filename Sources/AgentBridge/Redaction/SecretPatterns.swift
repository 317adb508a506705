/// Everything that is removed from what is published; an immutable value.
///
/// It decides for one place of a text whether a secret begins there. Each decision looks at a bounded number of bytes, so
/// that a whole text takes time in proportion to its length, whatever is in it.
public struct SecretPatterns: Sendable {
  /// What is known of a place in a text.
  enum Verdict: Sendable, Hashable {
    /// No secret begins here.
    case nothing
    /// These bytes are one, and so is what follows as far as `rest` goes.
    case secret(kind: String, Range<Int>, rest: Rest?)
    /// It depends on what follows. The first bytes may be shown all the same.
    case undecided(safe: Int)
  }

  /// How far a secret goes that is known to be one.
  enum Rest: Sendable, Hashable {
    /// While bytes of this set follow.
    case following(ByteSet)
    /// Up to one of these bytes, or the end of the line, or so many bytes.
    case until(ByteSet, left: Int)
    /// Up to the end of a key's block, or so many bytes.
    case keyBlock(left: Int)
  }

  /// Bytes before a place that a decision may look at.
  static let context = SecretName.maximumBytes + 16
  /// Bytes behind a place that a decision may wait for; what needs more is no secret, or is one.
  static let lookahead = 9 * 1024

  private var rules: [SecretRule] = []
  private var words = SecretTrie()
  private var anywhere = SecretTrie()
  private var names: Set<String> = []

  /// The built-in ones.
  public init() {
    for rule in SecretRule.words { add(rule, isWord: true, isPrivate: false) }
    for rule in SecretRule.anywhere { add(rule, isWord: false, isPrivate: false) }
  }

  private mutating func add(_ rule: SecretRule, isWord: Bool, isPrivate: Bool) {
    rules.append(rule)
    if isWord {
      words.add(rule.beginning, rule: rules.count - 1, isPrivate: isPrivate)
    } else {
      anywhere.add(rule.beginning, rule: rules.count - 1, isPrivate: isPrivate)
    }
  }

  /// Removes a text wherever it stands. A long one is looked for in parts.
  mutating func add(_ text: String, kind: String, form: SecretRule.Form = .whole) {
    var rest = text
    while rest.utf8.count > SecretTrie.maximumBytes {
      // No part may be so short that it stands in other texts by chance.
      let part = rest.beginning(bytes: min(SecretTrie.maximumBytes, rest.utf8.count - 16))
      rest = String(decoding: Array(rest.utf8.dropFirst(part.utf8.count)), as: UTF8.self)
      add(SecretRule(kind, part.utf8, .whole), isWord: false, isPrivate: true)
    }
    add(SecretRule(kind, rest.utf8, form), isWord: false, isPrivate: true)
  }

  /// Removes the values of a name.
  mutating func add(name: String) {
    names.insert(name.lowercased())
  }

  /// Whether the values of a name are removed.
  func isSecret(name: some BidirectionalCollection<UInt8>) -> Bool {
    SecretName.isSecret(name)
      || !names.isEmpty && names.contains(String(decoding: name, as: UTF8.self).lowercased())
  }

  /// Whether a secret may begin with this byte.
  @inline(__always)
  func mayBegin(with byte: UInt8) -> Bool {
    byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") || words.mayBegin(with: byte)
      || anywhere.mayBegin(with: byte)
  }

  /// What is known of a place.
  ///
  /// - Parameter isEnd: whether nothing follows the text; then the verdict is never `undecided`.
  func verdict(_ text: [UInt8], at place: Int, isEnd: Bool) -> Verdict {
    if text[place] == UInt8(ascii: "=") || text[place] == UInt8(ascii: ":") {
      let verdict = namedValue(text, at: place, isEnd: isEnd)
      if verdict != .nothing { return verdict }
    }
    return begun(text, at: place, isEnd: isEnd)
  }

  /// A secret that is told by the characters it begins with.
  func begun(_ text: [UInt8], at place: Int, isEnd: Bool) -> Verdict {
    let first = anywhere.mayBegin(with: text[place]) ? look(anywhere, text, place, isEnd) : .nothing
    if case .secret = first { return first }
    let second =
      words.mayBegin(with: text[place]) && Self.isWordStart(text, place) ? look(words, text, place, isEnd) : .nothing
    switch (first, second) {
    case (.undecided(let one), .undecided(let other)): return .undecided(safe: min(one, other))
    // What it would show of itself is not for the other to decide.
    case (.undecided, .secret): return .undecided(safe: 0)
    case (.undecided, _): return first
    default: return second
    }
  }

  private func look(_ trie: SecretTrie, _ text: [UInt8], _ place: Int, _ isEnd: Bool) -> Verdict {
    let found = trie.look(text, at: place)
    if let begun = found.begun, !isEnd {
      // One letter gives nothing away and stands everywhere.
      let safe = begun.isPrivate ? (begun.bytes == 1 ? 1 : 0) : begun.bytes
      return .undecided(safe: found.rules.isEmpty ? safe : 0)
    }
    for (index, end) in found.rules.reversed() {
      let verdict = rules[index].verdict(text, from: place, behind: end, isEnd: isEnd)
      if verdict != .nothing { return verdict }
    }
    return .nothing
  }

  /// Whether a word begins here: behind no letter, unless that is part of an escaped line end.
  private static func isWordStart(_ text: [UInt8], _ place: Int) -> Bool {
    guard place > 0, ByteSet.word.contains(text[place - 1]) else { return true }
    guard place > 1, text[place - 2] == UInt8(ascii: "\\") else { return false }
    return [UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t")].contains(text[place - 1])
  }
}
