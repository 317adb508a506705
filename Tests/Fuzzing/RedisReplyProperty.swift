import NIOCore
import RedisWire

extension FuzzProperty {
  /// Replies are the same however the bytes arrive, keep to the limits, and come back when they are written again; after
  /// an error there is only that error.
  public static let redisReplies = FuzzProperty(
    name: "resp",
    seeds: [
      "+OK\r\n-ERR no\r\n:-12\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n", "*3\r\n$1\r\na\r\n*2\r\n:1\r\n+s\r\n$0\r\n\r\n",
      "*2\r\n*0\r\n*1\r\n*0\r\n", "$7\r\na\r\n$1\r\n\r\n", ":9223372036854775807\r\n:-9223372036854775808\r\n",
      "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "$100\r\nabc", "*1000\r\n:1\r\n", "%1\r\n+a\r\n_\r\n",
      "*3\r\n$8\r\nsmessage\r\n$2\r\nch\r\n$3\r\nabc\r\n+PONG\r\n", "+\r\n-\r\n", "$2147483647\r\n", "*2147483647\r\n",
      "#t\r\n,1.5\r\n", "$64\r\n" + String(repeating: "z", count: 64) + "\r\n",
    ],
    dictionary: [
      "+", "-", ":", "$", "*", "%", "~", ">", "_", "#", ",", "(", "=", "\r\n", "\r", "\n", "$-1\r\n", "*-1\r\n",
      "*0\r\n", "$0\r\n\r\n", "*1\r\n", "*2\r\n", ":1\r\n", "+OK\r\n", "\0", "$18446744073709551615\r\n", "$-2\r\n",
      "*4294967297\r\n", "$+1\r\n", ":-\r\n",
    ]
  ) { input in
    for limits in [
      RedisReplyLimits(maximumBytes: 64, maximumDepth: 3), RedisReplyLimits(maximumBytes: 4_096),
      RedisReplyLimits(maximumBytes: 1 << 20),
    ] {
      let whole = Reading([ByteBuffer(bytes: input)], limits)
      for pieces in Pieces.cuts(of: input) {
        let reading = Reading(pieces, limits)
        let about = "limits \(limits), pieces of \(pieces.map(\.readableBytes))"
        try expectSame(reading.replies, whole.replies, about)
        // Bytes that are wrong in two ways may be refused for the one or for the other.
        try expect((reading.error == nil) == (whole.error == nil), "\(about): \(String(describing: reading.error))")
      }
      let elements = whole.replies.reduce(0) { $0 + $1.elementCount }
      try expect(elements * 3 <= input.count, "\(elements) values of \(input.count) bytes")
      var wire = ByteBuffer()
      for reply in whole.replies {
        let start = wire.readableBytes
        reply.encode(into: &wire)
        // Bytes that are no UTF-8 are repaired in statuses and errors, with three bytes each.
        try expect(wire.readableBytes - start <= 3 * limits.maximumBytes, "a reply over the limit of \(limits)")
        try expect(reply.depth <= limits.maximumDepth, "a reply deeper than \(limits)")
      }
      let again = Reading([wire], RedisReplyLimits(maximumBytes: 3 << 20))
      try expectSame(again.error, nil, "what was read, written again")
      try expectSame(again.replies, whole.replies, "what was read, written again")
    }
  }

  /// What a reader made of pieces.
  private struct Reading {
    var replies: [RedisValue] = []
    var error: RedisWireError?

    init(_ pieces: [ByteBuffer], _ limits: RedisReplyLimits) {
      let reader = RedisReplyReader(limits: limits)
      do throws(RedisWireError) {
        for piece in pieces { try reader.read(piece) { replies.append($0) } }
      } catch {
        self.error = error
        // From now on there is nothing but this error, whatever comes.
        do {
          try reader.read(ByteBuffer(string: "+after\r\n")) { replies.append($0) }
          self.error = nil
        } catch let second {
          if second != error { self.error = .malformed("first \(error), then \(second)") }
        }
      }
    }
  }
}

extension RedisValue {
  /// Values in it, itself included.
  fileprivate var elementCount: Int {
    (array ?? []).reduce(1) { $0 + $1.elementCount }
  }

  /// Arrays in each other.
  fileprivate var depth: Int {
    array.map { 1 + ($0.map(\.depth).max() ?? 0) } ?? 0
  }

  /// As Redis would write it.
  fileprivate func encode(into wire: inout ByteBuffer) {
    switch self {
    case .status(let text): wire.writeString("+\(text)\r\n")
    case .error(let text): wire.writeString("-\(text)\r\n")
    case .integer(let number): wire.writeString(":\(number)\r\n")
    case .bytes(let bytes):
      wire.writeString("$\(bytes.readableBytes)\r\n")
      wire.writeImmutableBuffer(bytes)
      wire.writeString("\r\n")
    case .null: wire.writeString("$-1\r\n")
    case .array(let values):
      wire.writeString("*\(values.count)\r\n")
      for value in values { value.encode(into: &wire) }
    }
  }
}
