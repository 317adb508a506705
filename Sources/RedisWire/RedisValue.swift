public import NIOCore

/// One reply of Redis, as RESP2 carries it. A value.
///
/// Redis tells text apart by how it was sent, not by what it means: `.status` and `.error` are the one-line forms,
/// `.bytes` is any other string and may hold arbitrary bytes.
public enum RedisValue: Sendable, Hashable {
  /// A one-line status such as `OK`.
  case status(String)
  /// A one-line error such as `WRONGTYPE Operation against ...`. At the top of a reply `RedisClient` throws it instead;
  /// inside an array it stays a value.
  case error(String)
  /// A signed 64-bit integer.
  case integer(Int)
  /// A string of bytes; the buffer is the value's own, from reader index 0.
  case bytes(ByteBuffer)
  /// The absent value: a nil string or a nil array, which RESP2 means alike.
  case null
  /// Several values. Redis may nest them.
  case array([RedisValue])
  /// In place of a whole reply that was larger than the reader's limit: its content is gone.
  case oversized(limit: Int)
}

extension RedisValue {
  /// The text of a status or of a string, or nil for every other kind and for bytes that are not valid UTF-8.
  public var string: String? {
    switch self {
    case .status(let text): text
    case .bytes(let buffer): String(validating: buffer.readableBytesView, as: UTF8.self)
    case .error, .integer, .null, .array, .oversized: nil
    }
  }

  /// The integer, also when Redis sent it as decimal text (as a Lua script does with `tostring`), or nil.
  public var integer: Int? {
    switch self {
    case .integer(let number): number
    case .status(let text): Int(text)
    case .bytes: string.flatMap { Int($0) }
    case .error, .null, .array, .oversized: nil
    }
  }

  /// The bytes of a string or of a status, or nil for every other kind.
  public var bytes: ByteBuffer? {
    switch self {
    case .bytes(let buffer): buffer
    case .status(let text): ByteBuffer(string: text)
    case .error, .integer, .null, .array, .oversized: nil
    }
  }

  /// The elements of an array, or nil for every other kind.
  public var array: [RedisValue]? {
    if case .array(let values) = self { values } else { nil }
  }

  /// Whether this is the absent value.
  public var isNull: Bool { self == .null }

  /// The message of an error reply, or nil.
  public var errorMessage: String? {
    if case .error(let message) = self { message } else { nil }
  }

  /// What kind of value this is, in words for an error message; never its content.
  public var kindDescription: String {
    switch self {
    case .status: "a status"
    case .error: "an error"
    case .integer: "an integer"
    case .bytes(let buffer): "a string of \(buffer.readableBytes) bytes"
    case .null: "nil"
    case .array(let values): "an array of \(values.count)"
    case .oversized(let limit): "a reply of more than \(limit) bytes"
    }
  }
}
