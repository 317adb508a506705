import NIOCore
import Testing

@testable import RedisWire

@Suite("Limits of replies")
struct RedisReplyLimitsTests {
  @Test("a reply of exactly the limit passes, one more byte does not, however it is split")
  func bytes() {
    let wire = "$20\r\nabcdefghijklmnopqrst\r\n"
    let exact = RedisReplyLimits(maximumBytes: wire.utf8.count)
    let tooSmall = RedisReplyLimits(maximumBytes: wire.utf8.count - 1)
    for pieces in everySplit(of: ByteBuffer(string: wire)) {
      #expect(readAll(pieces, limits: exact).replies == [.text("abcdefghijklmnopqrst")])
      let (replies, error) = readAll(pieces, limits: tooSmall)
      #expect(replies == [.oversized(limit: wire.utf8.count - 1)])
      #expect(error == nil)
    }
  }

  @Test(
    "a reply beyond the limit takes nothing from its neighbours, whatever it is made of and however it is split",
    arguments: [
      "$60\r\n\(String(repeating: "$1\r\n*2", count: 10))\r\n", "+\(String(repeating: "x\n", count: 30))\r\n",
      "*3\r\n:1\r\n*2\r\n$30\r\n\(String(repeating: "y", count: 30))\r\n$-1\r\n*0\r\n",
      "*20\r\n\(String(repeating: ":1\r\n", count: 20))",
      "*1\r\n*1\r\n*2\r\n*-1\r\n*2\r\n+\(String(repeating: "z", count: 40))\r\n-ERR no\r\n",
    ])
  func neighbours(oversized: String) {
    let before = "*2\r\n$3\r\nabc\r\n:7\r\n"
    let wire = before + oversized + "+OK\r\n" + oversized + oversized + before
    let limits = RedisReplyLimits(maximumBytes: 32)
    let pair = RedisValue.array([.text("abc"), .integer(7)])
    let gone = RedisValue.oversized(limit: 32)
    for pieces in everySplit(of: ByteBuffer(string: wire)) {
      let (replies, error) = readAll(pieces, limits: limits)
      #expect(error == nil)
      #expect(replies == [pair, gone, .status("OK"), gone, gone, pair])
    }
  }

  @Test("a reply of a gibibyte is read past without being kept")
  func gibibyte() throws {
    let reader = RedisReplyReader(limits: RedisReplyLimits(maximumBytes: 1 << 20))
    var replies: [RedisValue] = []
    let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 4 << 20)
    try reader.read(ByteBuffer(string: ":1\r\n*2\r\n$\(1 << 30)\r\n")) { replies.append($0) }
    for _ in 0..<256 {
      try reader.read(piece) { replies.append($0) }
      #expect(reader.keptBytes == 0)
    }
    #expect(replies == [.integer(1)])
    try reader.read(ByteBuffer(string: "\r\n:2\r\n:3\r\n")) { replies.append($0) }
    #expect(replies == [.integer(1), .oversized(limit: 1 << 20), .integer(3)])
  }

  @Test("the limit counts each reply on its own")
  func manyReplies() {
    let wire = String(repeating: "$4\r\nabcd\r\n", count: 10_000)
    let (replies, error) = readAll(wire, limits: RedisReplyLimits(maximumBytes: 10))
    #expect(replies.count == 10_000)
    #expect(error == nil)
  }

  @Test("what only claims to be huge is passed over before it comes, and ends as such")
  func hugeClaims() {
    let limits = RedisReplyLimits(maximumBytes: 1 << 10)
    for claim in ["*2147483647\r\n", "*1\r\n*1000000\r\n", "$1099511627776\r\n"] {
      let (replies, error) = readAll(claim + String(repeating: ":1\r\n", count: 10_000), limits: limits)
      #expect(replies.isEmpty && error == nil)
    }
    let elements = String(repeating: ":1\r\n", count: 1_000)
    #expect(
      readAll("*1000\r\n\(elements)+OK\r\n", limits: limits).replies == [.oversized(limit: 1 << 10), .status("OK")])
  }

  @Test("bytes that are no reply end even a reply that is passed over", arguments: ["%1\r\n", "$1x\r\n", "*--1\r\n"])
  func garbageBehindTheLimit(garbage: String) {
    let wire = "*3\r\n$40\r\n\(String(repeating: "x", count: 40))\r\n" + garbage
    let (replies, error) = readAll(
      [ByteBuffer(string: wire), ByteBuffer(string: ":1\r\n")], limits: RedisReplyLimits(maximumBytes: 16))
    #expect(replies.isEmpty)
    guard case .malformed = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let oversized = ByteBuffer(string: "*2\r\n$40\r\n\(String(repeating: "x", count: 40))\r\n")
    let deep = ByteBuffer(string: String(repeating: "*1\r\n", count: 40))
    #expect(readAll([oversized, deep], limits: RedisReplyLimits(maximumBytes: 16)).error == .tooDeep(maximum: 8))
  }

  @Test(
    "a length is as strict in a reply that is passed over as in one that is parsed",
    arguments: ["$1\r2\r\n", "*1\r\r\n", "$1\n", "$-2\r\n", "*-3\r\n", "$\r\n", "$-\r\n"])
  func wrongLength(garbage: String) {
    let begun = ByteBuffer(string: "*3\r\n$40\r\n\(String(repeating: "x", count: 40))\r\n")
    let limits = RedisReplyLimits(maximumBytes: 16)
    let bytes = garbage.utf8.map { ByteBuffer(bytes: [$0]) }
    for pieces in [[begun, ByteBuffer(string: garbage)], [begun] + bytes] {
      guard case .malformed = readAll(pieces, limits: limits).error else {
        Issue.record("\(garbage.debugDescription) was taken for a length")
        continue
      }
    }
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
