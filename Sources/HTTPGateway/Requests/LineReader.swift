import NIOCore

/// A value: cuts a body into lines as it arrives, however it is cut into pieces. Blank lines are skipped.
struct LineReader {
  private var rest = ByteBuffer()
  private let maximumBytes: Int
  /// How many bytes were looked at for a line end; each is once.
  private(set) var examinedBytes = 0

  /// - Parameter maximumBytes: of one line, without its end; bounds what is kept.
  init(maximumBytes: Int) {
    self.maximumBytes = maximumBytes
  }

  /// The lines that are complete now.
  ///
  /// - Throws: 413 `BODY_TOO_LARGE` for a line beyond the bound.
  mutating func lines(in part: ByteBuffer) throws(GatewayError) -> [ByteBuffer] {
    // What is kept from before holds no line end.
    var searched = rest.readableBytes
    if searched == 0 { rest = part } else { rest.writeImmutableBuffer(part) }
    var lines: [ByteBuffer] = []
    while let length = lineLength(searching: searched) {
      guard length <= maximumBytes, let line = rest.readSlice(length: length) else { throw tooLong }
      rest.moveReaderIndex(forwardBy: 1)
      if let line = Self.withoutCarriageReturn(line) { lines.append(line) }
      searched = 0
    }
    guard rest.readableBytes <= maximumBytes else { throw tooLong }
    // A copy of the rest, so that it does not hold on to the lines before it.
    if !lines.isEmpty { rest = rest.readableBytes == 0 ? ByteBuffer() : ByteBuffer(bytes: rest.readableBytesView) }
    return lines
  }

  /// A last line that was not ended.
  mutating func end() -> ByteBuffer? {
    defer { rest.clear() }
    return Self.withoutCarriageReturn(rest)
  }

  /// How many bytes stand before the next line end, if there is one beyond the first bytes.
  private mutating func lineLength(searching first: Int) -> Int? {
    let view = rest.readableBytesView.dropFirst(first)
    let end = view.firstIndex(of: UInt8(ascii: "\n"))
    examinedBytes += end.map { $0 - view.startIndex + 1 } ?? view.count
    return end.map { $0 - rest.readerIndex }
  }

  private var tooLong: GatewayError {
    GatewayError(
      status: 413, code: "BODY_TOO_LARGE", message: "A line is longer than the \(maximumBytes) bytes this server takes."
    )
  }

  private static func withoutCarriageReturn(_ line: ByteBuffer) -> ByteBuffer? {
    var line = line
    if line.readableBytesView.last == UInt8(ascii: "\r") { line.moveWriterIndex(to: line.writerIndex - 1) }
    return line.readableBytesView.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") } ? nil : line
  }
}
