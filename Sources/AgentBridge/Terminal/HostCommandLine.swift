/// What a host can type; a pure value.
///
/// Everything that decides names what it decides on: a bare `a` or a bare digit would take whatever is there at the moment
/// it arrives, which may not be what was read.
enum HostCommandLine: Sendable, Hashable {
  /// How a host names a proposal or a question: `p3`, `q4`, or the number alone.
  struct Reference: Sendable, Hashable {
    /// `p` or `q`; nil when only the number was typed.
    let letter: Character?
    let number: Int

    init(letter: Character?, number: Int) {
      (self.letter, self.number) = (letter, number)
    }

    init?(_ word: some StringProtocol) {
      guard let first = word.first else { return nil }
      let letter = first == "p" || first == "q" ? first : nil
      let digits = letter == nil ? word[...] : word.dropFirst()
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits) else {
        return nil
      }
      self.init(letter: letter, number: number)
    }
  }

  /// Approve (true) or reject a prompt.
  case resolve(approve: Bool, Reference)
  /// Answer a question of the agent with one of its answers; `anyway` although a part of it could not be read.
  case answer(Reference, option: Int, anyway: Bool)
  /// Fill in a field of what the agent wants to know.
  case fill(Reference, field: String, value: String)
  /// Show a proposal or a question once more, or with all that belongs to it.
  case show(Reference, all: Bool)
  /// Show what waits.
  case list
  /// A decision that doesn't say on what.
  case unnamed
  /// Nothing.
  case blank
  /// A line that means nothing.
  case other

  init(_ line: String) {
    let words = line.lowercased().split { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" }
    guard let first = words.first else {
      self = .blank
      return
    }
    switch first {
    case "a", "approve": self = Self.resolve(approve: true, words.dropFirst())
    case "r", "reject": self = Self.resolve(approve: false, words.dropFirst())
    case "?", "list", "help": self = words.count == 1 ? .list : .other
    default: self = Self.field(line) ?? Self.named(first, words.dropFirst())
    }
  }

  /// `q4 name=value`, where only the value keeps its blanks.
  private static func field(_ line: String) -> HostCommandLine? {
    let line = line.drop { $0 == " " || $0 == "\t" }
    let word = line.prefix { $0 != " " && $0 != "\t" }
    let rest = line.dropFirst(word.count).drop { $0 == " " || $0 == "\t" }
    guard let reference = Reference(word.lowercased()), reference.letter == "q", let equals = rest.firstIndex(of: "="),
      equals != rest.startIndex
    else { return nil }
    let value = rest[rest.index(after: equals)...].trimmingSuffix { $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
    return .fill(reference, field: String(rest[..<equals]), value: String(value))
  }

  private static func resolve(approve: Bool, _ words: ArraySlice<Substring>) -> HostCommandLine {
    guard let word = words.first else { return .unnamed }
    guard words.count == 1, let reference = Reference(word) else { return .other }
    return .resolve(approve: approve, reference)
  }

  private static func named(_ first: Substring, _ words: ArraySlice<Substring>) -> HostCommandLine {
    guard let reference = Reference(first) else { return .other }
    guard let word = words.first else { return reference.letter == nil ? .unnamed : .show(reference, all: false) }
    if word == "all", words.count == 1 { return .show(reference, all: true) }
    // Two numbers are too few words for an answer: it names its question by the letter as well.
    guard reference.letter != nil, let option = Int(word), option >= 0 else { return .other }
    switch words.dropFirst() {
    case []: return .answer(reference, option: option, anyway: false)
    case ["anyway"]: return .answer(reference, option: option, anyway: true)
    default: return .other
    }
  }
}

extension Substring {
  fileprivate func trimmingSuffix(while isDropped: (Character) -> Bool) -> Substring {
    var rest = self
    while let last = rest.last, isDropped(last) { rest.removeLast() }
    return rest
  }
}
