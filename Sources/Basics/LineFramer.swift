public import NIOCore

/// Cuts a byte stream into lines; a value that the reader of one pipe or one body owns.
///
/// Lines may be megabytes long (images travel inside of them), so it collects into a growing buffer, up to a limit. What
/// is longer is skipped to its end and reported once, and the lines behind it are read as if nothing had happened.
public struct LineFramer: Sendable {
  /// What a piece of the stream completed.
  public enum Line: Sendable, Hashable {
    /// A line without its end. Never empty.
    case complete(ByteBuffer)
    /// A line of more bytes than allowed, which is gone.
    case tooLong
  }

  private let maximumBytes: Int
  private var partial = ByteBuffer()
  private var isSkipping = false

  /// A framer at the start of a stream.
  ///
  /// - Parameter maximumBytes: of one line, without its line feed; bounds what is kept.
  public init(maximumBytes: Int) {
    self.maximumBytes = maximumBytes
  }

  /// Takes the next piece and returns the lines it completes. LF and CRLF end a line; empty lines are dropped.
  public mutating func append(_ piece: ByteBuffer) -> [Line] {
    var lines: [Line] = []
    let view = piece.readableBytesView
    var start = view.startIndex
    while let end = view[start...].firstIndex(of: UInt8(ascii: "\n")) {
      collect(view[start..<end], into: &lines)
      finish(into: &lines)
      start = end + 1
    }
    collect(view[start...], into: &lines)
    return lines
  }

  /// What is left when the stream ends: a last line without an end.
  public mutating func end() -> [Line] {
    var lines: [Line] = []
    finish(into: &lines)
    return lines
  }

  private mutating func collect(_ part: ByteBufferView, into lines: inout [Line]) {
    guard !isSkipping else { return }
    guard partial.readableBytes + part.count <= maximumBytes else {
      isSkipping = true
      partial = ByteBuffer()
      lines.append(.tooLong)
      return
    }
    partial.writeBytes(part)
  }

  private mutating func finish(into lines: inout [Line]) {
    defer {
      partial = ByteBuffer()
      isSkipping = false
    }
    guard !isSkipping else { return }
    if partial.readableBytesView.last == UInt8(ascii: "\r") {
      partial.moveWriterIndex(to: partial.writerIndex - 1)
    }
    if partial.readableBytes > 0 { lines.append(.complete(partial)) }
  }
}
