/// Takes a text piece by piece and gives it back without its secrets; a value that the owner of one text keeps.
///
/// What comes out is the same wherever the pieces begin and end. What could turn out to be a secret is held back, at most
/// `SecretPatterns.lookahead` bytes of it; the rest goes out at once. Of what is held back, `release()` gives what is known
/// to be no part of a secret, such as the first letters of all tokens of a kind: then the mark stands behind them.
struct SecretStream: Sendable {
  private let patterns: SecretPatterns
  /// Some bytes that are behind us, and all that aren't decided on.
  private var text: [UInt8] = []
  /// Everything before this is decided on.
  private var position = 0
  /// Everything before this has gone out or is gone.
  private var released = 0
  /// Everything before this may go out.
  private var safe = 0
  /// How far the secret goes that we are in.
  private var rest: SecretPatterns.Rest?
  /// The kind and end of the last secret: one right behind it is the same one, cut in parts.
  private var last: (kind: String, end: Int)?
  /// How many secrets of which kind were removed.
  private(set) var counts: [String: Int] = [:]

  init(_ patterns: SecretPatterns) {
    self.patterns = patterns
  }

  /// What stands in the place of a secret.
  static func mark(_ kind: String) -> String { "[removed: \(kind)]" }

  /// Whether something is held back.
  var holdsBack: Bool { released < text.count }

  /// Takes the next piece, and returns what can go out now.
  mutating func append(_ piece: some Sequence<UInt8>) -> [UInt8] {
    text.append(contentsOf: piece)
    return scan(isEnd: false)
  }

  /// What is held back but is no secret whatever follows: for those who want to see a text as it is written.
  mutating func release() -> [UInt8] {
    guard safe > released else { return [] }
    defer { released = safe }
    return Array(text[released..<safe])
  }

  /// Returns what is left: nothing follows.
  mutating func finish() -> [UInt8] {
    scan(isEnd: true)
  }

  /// What was removed since this was asked last.
  mutating func takeCounts() -> [String: Int] {
    defer { counts = [:] }
    return counts
  }

  private mutating func scan(isEnd: Bool) -> [UInt8] {
    var output: [UInt8] = []
    // The bytes from here to `position` are no secret and not gone out yet.
    var start = position
    func end(_ this: inout SecretStream, at end: Int) {
      let from = max(start, this.released)
      if from < end { output.append(contentsOf: this.text[from..<end]) }
      this.released = max(this.released, end)
    }
    safe = position
    loop: while true {
      if let rest {
        let isOver = skip(rest, isEnd: isEnd)
        released = max(released, position)
        start = position
        if let last { self.last = (last.kind, position) }
        guard isOver else { break }
        self.rest = nil
      }
      while position < text.count, !patterns.mayBegin(with: text[position]) { position += 1 }
      guard position < text.count else { break }
      switch patterns.verdict(text, at: position, isEnd: isEnd) {
      case .nothing: position += 1
      case .undecided(let bytes):
        safe = position + bytes
        break loop
      case .secret(let kind, let range, let rest):
        end(&self, at: range.lowerBound)
        if last?.kind != kind || last?.end != range.lowerBound {
          output.append(contentsOf: Self.mark(kind).utf8)
          counts[kind, default: 0] += 1
        }
        released = max(released, range.upperBound)
        position = range.upperBound
        (start, last, self.rest) = (position, (kind, position), rest)
      }
    }
    if rest == nil { end(&self, at: position) }
    safe = max(safe, released)
    forget()
    return output
  }

  /// Passes over what still belongs to a secret; false when it may go on in the next piece.
  private mutating func skip(_ rest: SecretPatterns.Rest, isEnd: Bool) -> Bool {
    switch rest {
    case .following(let set):
      while position < text.count, set.contains(text[position]) { position += 1 }
      return position < text.count || isEnd
    case .until(let set, let left):
      var left = left
      while position < text.count, left > 0, !set.contains(text[position]) {
        position += 1
        left -= 1
      }
      self.rest = .until(set, left: left)
      // No character is cut in two.
      while left == 0, position < text.count, UTF8.isContinuation(text[position]) { position += 1 }
      return position < text.count || isEnd
    case .keyBlock(let left):
      let end = KeyBlockEnd.find(text, from: position, atMost: left, isEnd: isEnd)
      self.rest = .keyBlock(left: left - (end.offset - position))
      position = end.offset
      return end.isOver
    }
  }

  /// Drops what no decision looks at any more.
  private mutating func forget() {
    let gone = min(position, released) - SecretPatterns.context
    guard gone > max(4 * 1024, text.count / 2) else { return }
    text.removeFirst(gone)
    position -= gone
    released -= gone
    safe -= gone
    last = last.map { ($0.kind, $0.end - gone) }
  }
}

/// Looks for the line that ends a key's block; functions without state.
enum KeyBlockEnd {
  private static let beginning = Array("-----END".utf8)
  /// Bytes in which the line's own end must stand.
  private static let lineBytes = 64

  /// Where to go on: behind the end, or at a place where it may begin, which takes more text to know.
  static func find(_ text: [UInt8], from start: Int, atMost left: Int, isEnd: Bool) -> (offset: Int, isOver: Bool) {
    var offset = start
    while offset < text.count {
      guard offset - start < left else {
        while offset < text.count, UTF8.isContinuation(text[offset]) { offset += 1 }
        return (offset, offset < text.count || isEnd)
      }
      guard text[offset] == UInt8(ascii: "-") else {
        offset += 1
        continue
      }
      let here = text[offset...].prefix(beginning.count)
      if beginning.starts(with: here) {
        let label = offset + beginning.count
        if let end = dashes(text, from: label) { return (end, true) }
        // It may go on.
        if text.count - offset < beginning.count + lineBytes, !isEnd { return (offset, false) }
      }
      offset += 1
    }
    return (offset, isEnd)
  }

  private static func dashes(_ text: [UInt8], from label: Int) -> Int? {
    var (offset, count) = (label, 0)
    while offset < text.count, offset - label < lineBytes {
      count = text[offset] == UInt8(ascii: "-") ? count + 1 : 0
      offset += 1
      if count == 5 { return offset }
    }
    return nil
  }
}
