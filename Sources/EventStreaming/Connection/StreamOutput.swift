public import NIOCore

/// The connection of one stream, as the hub uses it. Bound to the connection's event loop.
///
/// What is written is already framed for the connection (`StreamFraming`), so nothing is encoded once per stream.
public protocol StreamOutput: AnyObject {
  /// Whether the connection takes more without buffering it for long.
  var isWritable: Bool { get }
  /// Called when `isWritable` changes.
  var onWritabilityChanged: ((Bool) -> Void)? { get set }
  /// Called once when the connection has closed; at once when it already has.
  var onClosed: (() -> Void)? { get set }
  /// Writes bytes and flushes them.
  func write(_ bytes: ByteBuffer)
  /// Writes several pieces in order and flushes them together.
  func write(_ pieces: [ByteBuffer])
}

extension StreamOutput {
  /// One piece after the other.
  public func write(_ pieces: [ByteBuffer]) {
    for piece in pieces { write(piece) }
  }
}

/// How the body of a streaming response is framed; a value.
public enum StreamFraming: Sendable, Hashable {
  /// HTTP/1.1 chunks.
  case chunked
  /// The bytes as they are, up to the end of the connection: HTTP/1.0.
  case identity

  /// Frames pieces as one chunk without copying them.
  func frame(_ pieces: [ByteBuffer]) -> [ByteBuffer] {
    let count = pieces.reduce(0) { $0 + $1.readableBytes }
    guard self == .chunked, count > 0 else { return pieces }
    let head = ByteBuffer(string: String(count, radix: 16) + "\r\n")
    return [head] + pieces + [ByteBuffer(string: "\r\n")]
  }

  /// Frames bytes as one chunk.
  func frame(_ bytes: ByteBuffer, allocator: ByteBufferAllocator) -> ByteBuffer {
    guard self == .chunked, bytes.readableBytes > 0 else { return bytes }
    let length = String(bytes.readableBytes, radix: 16)
    var framed = allocator.buffer(capacity: bytes.readableBytes + length.utf8.count + 4)
    framed.writeString(length)
    framed.writeStaticString("\r\n")
    framed.writeImmutableBuffer(bytes)
    framed.writeStaticString("\r\n")
    return framed
  }
}

/// Bytes that go to many connections: framed at most once for each way of framing. A value used within one loop turn.
struct SharedBytes {
  private let bytes: ByteBuffer
  private var chunked: ByteBuffer?

  init(_ bytes: ByteBuffer) {
    self.bytes = bytes
  }

  mutating func bytes(for framing: StreamFraming) -> ByteBuffer {
    guard framing == .chunked else { return bytes }
    if let chunked { return chunked }
    let framed = framing.frame(bytes, allocator: ByteBufferAllocator())
    chunked = framed
    return framed
  }
}
