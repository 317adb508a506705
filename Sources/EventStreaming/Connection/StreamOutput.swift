public import NIOCore

/// The connection of one stream, as the hub uses it. Bound to the connection's event loop.
///
/// What is written is already in the connection's `TransferCoding`, so nothing is encoded once per stream.
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

/// How the body of a streaming response is sent, in HTTP's own term. A value.
public enum TransferCoding: Sendable, Hashable {
  /// HTTP/1.1 chunks.
  case chunked
  /// The bytes as they are, up to the end of the connection: HTTP/1.0.
  case identity

  /// Makes pieces one chunk without copying them.
  func chunk(_ pieces: [ByteBuffer]) -> [ByteBuffer] {
    let count = pieces.reduce(0) { $0 + $1.readableBytes }
    guard self == .chunked, count > 0 else { return pieces }
    let head = ByteBuffer(string: String(count, radix: 16) + "\r\n")
    return [head] + pieces + [ByteBuffer(string: "\r\n")]
  }

  /// Makes bytes one chunk.
  func chunk(_ bytes: ByteBuffer, allocator: ByteBufferAllocator) -> ByteBuffer {
    guard self == .chunked, bytes.readableBytes > 0 else { return bytes }
    let length = String(bytes.readableBytes, radix: 16)
    var chunk = allocator.buffer(capacity: bytes.readableBytes + length.utf8.count + 4)
    chunk.writeString(length)
    chunk.writeStaticString("\r\n")
    chunk.writeImmutableBuffer(bytes)
    chunk.writeStaticString("\r\n")
    return chunk
  }
}

/// Bytes that go to many connections: coded at most once. A value used within one loop turn.
struct SharedBytes {
  private let bytes: ByteBuffer
  private var chunked: ByteBuffer?

  init(_ bytes: ByteBuffer) {
    self.bytes = bytes
  }

  mutating func bytes(for coding: TransferCoding) -> ByteBuffer {
    guard coding == .chunked else { return bytes }
    if let chunked { return chunked }
    let chunk = coding.chunk(bytes, allocator: ByteBufferAllocator())
    chunked = chunk
    return chunk
  }
}
