import NIOCore
import RedisWire

extension FuzzProperty {
  /// Replies are the same however the bytes arrive, and come back when they are written again; each reply beyond the limit,
  /// and no other, is passed over or ends it all; after an error there is only that error.
  public static let redisReplies = FuzzProperty(
    name: "resp",
    seeds: [
      "+OK\r\n-ERR no\r\n:-12\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n", "*3\r\n$1\r\na\r\n*2\r\n:1\r\n+s\r\n$0\r\n\r\n",
      "*2\r\n*0\r\n*1\r\n*0\r\n", "$7\r\na\r\n$1\r\n\r\n", ":9223372036854775807\r\n:-9223372036854775808\r\n",
      "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "$100\r\nabc", "*1000\r\n:1\r\n", "%1\r\n+a\r\n_\r\n",
      "*3\r\n$8\r\nsmessage\r\n$2\r\nch\r\n$3\r\nabc\r\n+PONG\r\n", "+\r\n-\r\n", "$2147483647\r\n", "*2147483647\r\n",
      "#t\r\n,1.5\r\n", "$64\r\n" + String(repeating: "z", count: 64) + "\r\n", "*3\r\n$1\r\na\r\u{2}*2\u{18}\n:\r",
      "$2147x52\r\u{1}\n",
    ],
    dictionary: [
      "+", "-", ":", "$", "*", "%", "~", ">", "_", "#", ",", "(", "=", "\r\n", "\r", "\n", "$-1\r\n", "*-1\r\n",
      "*0\r\n", "$0\r\n\r\n", "*1\r\n", "*2\r\n", ":1\r\n", "+OK\r\n", "\0", "$18446744073709551615\r\n", "$-2\r\n",
      "*4294967297\r\n", "$+1\r\n", ":-\r\n",
    ]
  ) { input in
    for limits in [
      RedisReplyLimits(maximumBytes: 16), RedisReplyLimits(maximumBytes: 64, maximumDepth: 3),
      RedisReplyLimits(maximumBytes: 1 << 20),
    ] {
      let sized = RedisReplyLimits(maximumBytes: .max, maximumDepth: limits.maximumDepth)
      let reference = Sized(input, sized)
      let fitting = reference.sizes.firstIndex { $0 > limits.maximumBytes } ?? reference.replies.count
      for pieces in [[ByteBuffer(bytes: input)]] + Pieces.cuts(of: input) {
        let reading = Reading(pieces, limits)
        let about = "limits \(limits), pieces of \(pieces.map(\.readableBytes))"
        if passesOver {
          let expected = zip(reference.replies, reference.sizes).map { $1 > limits.maximumBytes ? nil : $0 }
          let actual = reading.replies.map { $0.isKnown ? $0 : nil }
          // What is wrong may lie in a reply that is passed over: it is not looked into.
          try expect(actual.starts(with: expected), "\(about): \(actual) instead of \(expected)")
          if reference.error == nil, !isWrongAlready(input, sized) {
            try expectSame(actual.count, expected.count, "\(about): replies in \(actual)")
            try expectSame(reading.error, nil, about)
          }
        } else {
          try expectSame(reading.replies, Array(reference.replies[..<fitting]), about)
          let isBeyond = fitting < reference.replies.count || reference.rest > limits.maximumBytes
          // Bytes that are wrong in two ways may be refused for the one or for the other. An array is refused for what
          // it claims to be.
          let mayFail = reference.error != nil || isBeyond || input.contains(UInt8(ascii: "*"))
          try expect(mayFail || reading.error == nil, "\(about): \(String(describing: reading.error))")
          try expect(!(reference.error != nil || isBeyond) || reading.error != nil, "\(about): no error")
        }
      }
      try checkWrittenAgain(reference.replies, input, limits)
    }
  }

  /// Whether a reply beyond the limit is passed over, with those behind it still to come, instead of ending it all.
  private static let passesOver =
    Reading([ByteBuffer(string: "$5\r\nhello\r\n")], RedisReplyLimits(maximumBytes: 4)).error == nil

  /// Whether the line under way is a length that is no number, which may be told before the line ends.
  private static func isWrongAlready(_ input: [UInt8], _ limits: RedisReplyLimits) -> Bool {
    Sized(input + (input.last == 0x0D ? [0x0A] : [0x0D, 0x0A]), limits).error != nil
  }

  private static func checkWrittenAgain(_ replies: [RedisValue], _ input: [UInt8], _ limits: RedisReplyLimits) throws {
    let elements = replies.reduce(0) { $0 + $1.elementCount }
    try expect(elements * 3 <= input.count, "\(elements) values of \(input.count) bytes")
    var wire = ByteBuffer()
    for reply in replies {
      reply.encode(into: &wire)
      try expect(reply.depth <= limits.maximumDepth, "a reply deeper than \(limits)")
    }
    let again = Reading([wire], RedisReplyLimits(maximumBytes: 3 << 20))
    try expectSame(again.error, nil, "what was read, written again")
    try expectSame(again.replies, replies, "what was read, written again")
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

  /// What a reader made of single bytes, and how many belong to each reply.
  private struct Sized {
    var replies: [RedisValue] = []
    var sizes: [Int] = []
    /// Bytes of a reply that has not ended.
    var rest = 0
    var error: RedisWireError?

    init(_ input: [UInt8], _ limits: RedisReplyLimits) {
      let reader = RedisReplyReader(limits: limits)
      do throws(RedisWireError) {
        for byte in input {
          rest += 1
          try reader.read(ByteBuffer(bytes: [byte])) { replies.append($0) }
          guard sizes.count < replies.count else { continue }
          sizes.append(rest)
          rest = 0
        }
      } catch {
        self.error = error
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

  /// Whether it is one of the kinds that Redis sends.
  fileprivate var isKnown: Bool {
    var wire = ByteBuffer()
    encode(into: &wire)
    return wire.readableBytes > 0
  }

  /// As Redis would write it; nothing for what it cannot send.
  fileprivate func encode(into wire: inout ByteBuffer) {
    if case .status(let text) = self { wire.writeString("+\(text)\r\n") }
    if case .error(let text) = self { wire.writeString("-\(text)\r\n") }
    if case .integer(let number) = self { wire.writeString(":\(number)\r\n") }
    if case .bytes(let bytes) = self {
      wire.writeString("$\(bytes.readableBytes)\r\n")
      wire.writeImmutableBuffer(bytes)
      wire.writeString("\r\n")
    }
    if case .null = self { wire.writeString("$-1\r\n") }
    if case .array(let values) = self {
      wire.writeString("*\(values.count)\r\n")
      for value in values { value.encode(into: &wire) }
    }
  }
}
