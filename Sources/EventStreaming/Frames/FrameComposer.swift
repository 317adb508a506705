import NIOCore

/// Puts together what one connection is given, from its own bytes and from bytes all streams share. A value.
///
/// Small pieces are copied, which costs less than handing each to the channel; large ones stay shared.
struct FrameComposer {
  /// From so many bytes on a shared piece is not copied.
  static let largePiece = 4_096

  private var pieces: [ByteBuffer] = []
  private var own = ByteBuffer()

  /// Adds bytes of the connection's own.
  mutating func add(_ text: String) {
    own.writeString(text)
  }

  /// Adds bytes that other connections get too.
  mutating func add(shared piece: ByteBuffer) {
    guard piece.readableBytes >= Self.largePiece else {
      own.writeImmutableBuffer(piece)
      return
    }
    finishOwn()
    pieces.append(piece)
  }

  /// All of it as one chunk; what is added afterwards begins the next one.
  mutating func take(_ coding: TransferCoding) -> [ByteBuffer] {
    finishOwn()
    defer { pieces = [] }
    return pieces.count == 1 ? [coding.chunk(pieces[0], allocator: ByteBufferAllocator())] : coding.chunk(pieces)
  }

  private mutating func finishOwn() {
    guard own.readableBytes > 0 else { return }
    pieces.append(own)
    own = ByteBuffer()
  }
}
