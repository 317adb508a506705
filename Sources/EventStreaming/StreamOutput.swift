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
}

/// How the body of a streaming response is framed; a value.
public enum StreamFraming: Sendable, Hashable {
  /// HTTP/1.1 chunks.
  case chunked
  /// The bytes as they are, up to the end of the connection: HTTP/1.0.
  case identity

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

/// Bytes that go to many streams: framed at most once for each way of framing. A value used within one loop turn.
struct SharedFrames {
  private let bytes: ByteBuffer
  private let allocator: ByteBufferAllocator
  private var chunked: ByteBuffer?

  init(_ events: [StreamEvent], allocator: ByteBufferAllocator) {
    var bytes = allocator.buffer(capacity: events.reduce(0) { $0 + $1.json.readableBytes + 64 })
    for event in events { event.writeFrame(into: &bytes) }
    self.init(bytes, allocator: allocator)
  }

  init(_ bytes: ByteBuffer, allocator: ByteBufferAllocator) {
    self.bytes = bytes
    self.allocator = allocator
  }

  mutating func bytes(for framing: StreamFraming) -> ByteBuffer {
    guard framing == .chunked else { return bytes }
    if let chunked { return chunked }
    let framed = framing.frame(bytes, allocator: allocator)
    chunked = framed
    return framed
  }
}
