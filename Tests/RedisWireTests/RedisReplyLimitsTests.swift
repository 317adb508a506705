import NIOCore
import RedisWire
import Testing

@Suite("Limits of replies")
struct RedisReplyLimitsTests {
  @Test("a reply of exactly the limit passes, one more byte does not, however it is split")
  func bytes() {
    let wire = "$20\r\nabcdefghijklmnopqrst\r\n"
    let exact = RedisReplyLimits(maximumBytes: wire.utf8.count)
    let tooSmall = RedisReplyLimits(maximumBytes: wire.utf8.count - 1)
    for pieces in everySplit(of: ByteBuffer(string: wire)) {
      #expect(readAll(pieces, limits: exact).replies.count == 1)
      let (replies, error) = readAll(pieces, limits: tooSmall)
      #expect(replies.isEmpty)
      #expect(error == .tooLarge(maximumBytes: wire.utf8.count - 1))
    }
  }

  @Test("the limit counts each reply on its own")
  func manyReplies() {
    let wire = String(repeating: "$4\r\nabcd\r\n", count: 10_000)
    let (replies, error) = readAll(wire, limits: RedisReplyLimits(maximumBytes: 10))
    #expect(replies.count == 10_000)
    #expect(error == nil)
  }

  @Test("an array that only claims to be huge is refused before its elements come")
  func hugeClaims() {
    for claim in ["*2147483647\r\n", "*1\r\n*1000000\r\n"] {
      #expect(readAll(claim, limits: RedisReplyLimits(maximumBytes: 1 << 20)).error == .tooLarge(maximumBytes: 1 << 20))
    }
    // A string may still come piece by piece; it is refused once it is too long.
    #expect(readAll("$1099511627776\r\n", limits: RedisReplyLimits(maximumBytes: 100)).error == nil)
    let start = ByteBuffer(string: "$1099511627776\r\n")
    let more = ByteBuffer(repeating: 0, count: 101)
    #expect(
      readAll([start, more], limits: RedisReplyLimits(maximumBytes: 100)).error == .tooLarge(maximumBytes: 100))
  }

  @Test("a line that does not end is refused early", arguments: ["+", "-", ":", "$", "*"])
  func endlessLine(prefix: String) {
    let reader = RedisReplyReader()
    let piece = ByteBuffer(repeating: UInt8(ascii: "1"), count: 8 << 10)
    var fed = 0
    let error = #expect(throws: RedisWireError.self) {
      try reader.read(ByteBuffer(string: prefix)) { _ in }
      while fed < 4 << 20 {
        try reader.read(piece) { _ in }
        fed += piece.readableBytes
      }
    }
    guard case .malformed = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(fed <= 128 << 10)
  }

  @Test("eight levels of arrays pass, nine do not")
  func depth() {
    func nested(_ levels: Int) -> String { String(repeating: "*1\r\n", count: levels) + ":1\r\n" }
    #expect(readAll(nested(8)).replies.count == 1)
    for pieces in everySplit(of: ByteBuffer(string: nested(9))) {
      #expect(readAll(pieces).error == .tooDeep(maximum: 8))
    }
    #expect(readAll(nested(3), limits: RedisReplyLimits(maximumDepth: 3)).replies.count == 1)
    #expect(readAll(nested(4), limits: RedisReplyLimits(maximumDepth: 3)).error == .tooDeep(maximum: 3))
    #expect(RedisReplyLimits(maximumDepth: 100).maximumDepth == 8)
    #expect(RedisReplyLimits(maximumDepth: 0).maximumDepth == 1)
  }

  @Test("a reader that goes away in the middle of a reply leaves nothing behind")
  func abandoned() {
    for wire in ["*3\r\n$3\r\nabc\r\n*2\r\n:1\r\n", "$100\r\nabc", "*1\r\n%", "+O"] {
      for _ in 0..<100 { _ = readAll(wire) }
    }
  }
}
