import NIOCore
import RedisWire
import Testing

@Suite("Reading replies")
struct RedisReplyReaderTests {
  /// What Redis may send, and what it means.
  static let corpus: [(wire: String, values: [RedisValue])] = [
    ("+OK\r\n", [.status("OK")]),
    ("+\r\n", [.status("")]),
    ("-WRONGTYPE no\r\n", [.error("WRONGTYPE no")]),
    (":0\r\n:-1\r\n:9223372036854775807\r\n", [.integer(0), .integer(-1), .integer(.max)]),
    (":-9223372036854775808\r\n", [.integer(.min)]),
    ("$0\r\n\r\n", [.text("")]),
    ("$5\r\nhello\r\n", [.text("hello")]),
    ("$7\r\na\r\n$1\r\n\r\n", [.text("a\r\n$1\r\n")]),
    ("$-1\r\n*-1\r\n", [.null, .null]),
    ("*0\r\n", [.array([])]),
    ("*3\r\n:1\r\n$-1\r\n*-1\r\n", [.array([.integer(1), .null, .null])]),
    ("*2\r\n*0\r\n*1\r\n*0\r\n", [.array([.array([]), .array([.array([])])])]),
    (
      "*3\r\n-ERR inner\r\n*1\r\n-NOPERM deeper\r\n+fine\r\n",
      [.array([.error("ERR inner"), .array([.error("NOPERM deeper")]), .status("fine")])]
    ),
    (
      "*3\r\n$8\r\nsmessage\r\n$2\r\nch\r\n$3\r\na\0b\r\n+PONG\r\n",
      [.array([.text("smessage"), .text("ch"), .text("a\0b")]), .status("PONG")]
    ),
  ]

  @Test("every possible split in two, and byte by byte, gives the same replies", arguments: corpus)
  func splits(wire: String, values: [RedisValue]) {
    for pieces in everySplit(of: ByteBuffer(string: wire)) {
      let (replies, error) = readAll(pieces)
      #expect(replies == values && error == nil, "pieces \(pieces.map { String(buffer: $0) })")
    }
  }

  @Test("every possible split in three of all replies in one stream")
  func threeWaySplits() {
    let wire = ByteBuffer(string: "+OK\r\n*2\r\n$-1\r\n*2\r\n:42\r\n-E x\r\n$4\r\na\r\nb\r\n:7\r\n")
    let values: [RedisValue] = [
      .status("OK"), .array([.null, .array([.integer(42), .error("E x")])]), .text("a\r\nb"), .integer(7),
    ]
    for pieces in everyThreeWaySplit(of: wire) {
      let (replies, error) = readAll(pieces)
      #expect(replies == values && error == nil, "pieces \(pieces.map { String(buffer: $0) })")
    }
  }

  @Test("what is no RESP2 is refused, however it is split, and stays refused")
  func malformed() {
    let inputs = [
      "hello\r\n", "\r\n", "\0", ":1x\r\n", ":\r\n", ":99999999999999999999\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n",
      "*x\r\n", "*99999999999\r\n", "%1\r\n+a\r\n+b\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "~1\r\n:1\r\n", ">1\r\n:1\r\n",
      "(123\r\n", "=5\r\ntxt:a\r\n", "*1\r\n%0\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
    ]
    for input in inputs {
      for pieces in everySplit(of: ByteBuffer(string: input)) {
        let (replies, error) = readAll(pieces)
        #expect(replies.isEmpty && error != nil, "\(input) was read as \(replies)")
      }
      let reader = RedisReplyReader()
      let first = #expect(throws: RedisWireError.self) { try reader.read(ByteBuffer(string: input)) { _ in } }
      let second = #expect(throws: RedisWireError.self) { try reader.read(ByteBuffer(string: "+OK\r\n")) { _ in } }
      #expect(first == second)
      #expect(first?.description.contains("Redis sent") == true)
    }
  }

  @Test("replies before a malformed one are handed over")
  func repliesBeforeError() {
    let (replies, error) = readAll("+a\r\n:1\r\nnonsense\r\n+b\r\n")
    #expect(replies == [.status("a"), .integer(1)])
    guard case .malformed = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("half a reply gives nothing and no error")
  func incomplete() {
    for wire in ["+O", "$5\r\nhell", "$5\r\nhello", "*2\r\n:1\r\n", "*1\r\n*1\r\n", ":12\r", "$"] {
      let (replies, error) = readAll(wire)
      #expect(replies.isEmpty && error == nil)
    }
  }

  @Test("text that is not UTF-8 is kept as bytes in strings and repaired in errors")
  func invalidUTF8() {
    let wire = ByteBuffer(
      bytes: Array("$2\r\n".utf8) + [0xFF, 0xFE] + Array("\r\n-ERR ".utf8) + [0xFF] + Array("\r\n".utf8))
    let (replies, error) = readAll([wire])
    #expect(error == nil)
    #expect(replies == [.bytes(ByteBuffer(bytes: [0xFF, 0xFE])), .error("ERR \u{FFFD}")])
    #expect(replies.first?.string == nil)
  }

  @Test("a reply of many megabytes and one of many elements arrive whole, in small and in large pieces")
  func bigReplies() {
    let value = RedisValue.array([
      .bytes(ByteBuffer(repeating: 7, count: 9 << 20)), .array((0..<50_000).map { .integer($0) }), .text("end"),
    ])
    var wire = ByteBuffer()
    value.write(to: &wire)
    for size in [1_460, 65_536, wire.readableBytes] {
      var rest = wire
      var pieces: [ByteBuffer] = []
      while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
        pieces.append(piece)
      }
      let (replies, error) = readAll(pieces)
      #expect(error == nil)
      #expect(replies == [value], "pieces of \(size)")
    }
  }
}
