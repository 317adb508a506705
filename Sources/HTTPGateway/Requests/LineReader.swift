import NIOCore

/// A value: cuts a body into lines as it arrives, however it is cut into pieces. Blank lines are skipped.
struct LineReader {
  private var rest = ByteBuffer()
  private let maximumBytes: Int

  /// - Parameter maximumBytes: of one line, without its end; bounds what is kept.
  init(maximumBytes: Int) {
    self.maximumBytes = maximumBytes
  }

  /// The lines that are complete now.
  ///
  /// - Throws: 413 `BODY_TOO_LARGE` for a line beyond the bound.
  mutating func lines(in part: ByteBuffer) throws(GatewayError) -> [ByteBuffer] {
    rest.writeImmutableBuffer(part)
    var lines: [ByteBuffer] = []
    while let end = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
      let length = end - rest.readerIndex
      guard length <= maximumBytes, let line = rest.readSlice(length: length) else { throw tooLong }
      rest.moveReaderIndex(forwardBy: 1)
      if let line = Self.withoutCarriageReturn(line) { lines.append(line) }
    }
    guard rest.readableBytes <= maximumBytes else { throw tooLong }
    rest.discardReadBytes()
    return lines
  }

  /// A last line that was not ended.
  mutating func end() -> ByteBuffer? {
    defer { rest.clear() }
    return Self.withoutCarriageReturn(rest)
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
