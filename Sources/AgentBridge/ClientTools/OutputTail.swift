/// The end of what a command prints: a value, bounded in bytes.
struct OutputTail: Sendable {
  private let limit: Int
  private var bytes: [UInt8] = []
  /// Whether the beginning is missing.
  private(set) var isTruncated = false

  init(limit: Int) {
    self.limit = limit
  }

  mutating func append(_ piece: some Collection<UInt8>) {
    bytes.append(contentsOf: piece.suffix(limit + 1))
    if piece.count > limit { isTruncated = true }
    guard bytes.count > limit else { return }
    isTruncated = true
    // Not at every byte: what is dropped is moved over.
    if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }
  }

  /// What is kept, beginning with a whole character.
  var text: String {
    let end = bytes.suffix(limit)
    return String(decoding: isTruncated ? end.drop { UTF8.isContinuation($0) } : end, as: UTF8.self)
  }
}
