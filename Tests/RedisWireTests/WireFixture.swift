import NIOCore
import RedisWire

/// Feeds pieces to a fresh reader.
///
/// - Returns: the replies until the end of the pieces or until the error, and the error.
func readAll(
  _ pieces: [ByteBuffer], limits: RedisReplyLimits = RedisReplyLimits()
) -> (replies: [RedisValue], error: RedisWireError?) {
  let reader = RedisReplyReader(limits: limits)
  var replies: [RedisValue] = []
  do {
    for piece in pieces { try reader.read(piece) { replies.append($0) } }
    return (replies, nil)
  } catch {
    return (replies, error)
  }
}

func readAll(
  _ wire: String, limits: RedisReplyLimits = RedisReplyLimits()
) -> (replies: [RedisValue], error: RedisWireError?) {
  readAll([ByteBuffer(string: wire)], limits: limits)
}

/// Every way to cut the bytes in two, and the way that gives each byte on its own.
func everySplit(of wire: ByteBuffer) -> [[ByteBuffer]] {
  let count = wire.readableBytes
  var splits: [[ByteBuffer]] = (0...count).map { cut in
    [slice(of: wire, 0, cut), slice(of: wire, cut, count)]
  }
  splits.append((0..<count).map { slice(of: wire, $0, $0 + 1) })
  return splits
}

/// Every way to cut the bytes in three.
func everyThreeWaySplit(of wire: ByteBuffer) -> [[ByteBuffer]] {
  let count = wire.readableBytes
  return (0...count).flatMap { first in
    (first...count).map { second in
      [slice(of: wire, 0, first), slice(of: wire, first, second), slice(of: wire, second, count)]
    }
  }
}

private func slice(of wire: ByteBuffer, _ start: Int, _ end: Int) -> ByteBuffer {
  wire.getSlice(at: wire.readerIndex + start, length: end - start) ?? ByteBuffer()
}

extension RedisValue {
  /// A string value.
  static func text(_ text: String) -> RedisValue { .bytes(ByteBuffer(string: text)) }

  /// Writes the value as Redis would.
  func write(to buffer: inout ByteBuffer) {
    switch self {
    case .status(let text): buffer.writeString("+\(text)\r\n")
    case .error(let text): buffer.writeString("-\(text)\r\n")
    case .integer(let number): buffer.writeString(":\(number)\r\n")
    case .bytes(let bytes):
      buffer.writeString("$\(bytes.readableBytes)\r\n")
      buffer.writeImmutableBuffer(bytes)
      buffer.writeString("\r\n")
    case .null: buffer.writeString("$-1\r\n")
    case .array(let values):
      buffer.writeString("*\(values.count)\r\n")
      for value in values { value.write(to: &buffer) }
    case .oversized: preconditionFailure("Redis sends no such value")
    }
  }
}
