/// What a host can type; a pure value.
enum HostCommandLine: Sendable, Hashable {
  /// Approve (true) or reject a prompt; nil stands for the only one that waits.
  case resolve(approve: Bool, number: Int?)
  /// Answer the agent's question with the option of this number.
  case choose(Int)
  /// A line that means nothing.
  case other

  init(_ line: String) {
    let words = line.lowercased().split { $0 == " " || $0 == "\t" || $0 == "\r" }
    switch words.first {
    case "a", "approve": self = Self.resolve(approve: true, words)
    case "r", "reject": self = Self.resolve(approve: false, words)
    case let word?:
      if words.count == 1, let number = Int(word) { self = .choose(number) } else { self = .other }
    case nil: self = .other
    }
  }

  private static func resolve(approve: Bool, _ words: [Substring]) -> HostCommandLine {
    switch words.count {
    case 1: return .resolve(approve: approve, number: nil)
    case 2:
      guard let number = Int(words[1]) else { return .other }
      return .resolve(approve: approve, number: number)
    default: return .other
    }
  }
}
