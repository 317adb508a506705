import NIOCore
import ServerSentEvents
import Testing

/// Reading streams, whole and in pieces.
struct ParserTests {
  private func parse(_ text: String) throws -> [ServerSentEventParser.Item] {
    var parser = ServerSentEventParser()
    return try parser.parse(ByteBuffer(string: text))
  }

  private func event(_ data: String, id: String? = nil, type: String? = nil) -> ServerSentEventParser.Item {
    .event(ServerSentEvent(id: id, type: type, data: ByteBuffer(string: data)))
  }

  @Test func readsWhatTheEncoderWrites() throws {
    var buffer = ByteBuffer()
    let event = ServerSentEvent(id: "7-1", type: "t", data: ByteBuffer(string: "one\n\n two"))
    ServerSentEventEncoder.writeRetry(milliseconds: 1_500, into: &buffer)
    try ServerSentEventEncoder.write(event, into: &buffer)
    ServerSentEventEncoder.writeHeartbeat(into: &buffer)
    var parser = ServerSentEventParser()
    #expect(try parser.parse(buffer) == [.retry(milliseconds: 1_500), .event(event), .comment])
    #expect(parser.lastEventID == "7-1")
  }

  /// The cases the specification of the format gives.
  @Test func examplesOfTheSpecification() throws {
    #expect(try parse("data: YHOO\ndata: +2\ndata: 10\n\n") == [event("YHOO\n+2\n10")])
    #expect(
      try parse(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n")
        == [.comment, event("first event", id: "1"), event("second event")])
    #expect(try parse("data\n\ndata\ndata\n\ndata:") == [event(""), event("\n")])
    #expect(try parse("data:test\n\ndata: test\n\n") == [event("test"), event("test")])
  }

  @Test func fieldsThatDoNotCountAreIgnored() throws {
    #expect(try parse("nonsense: 1\nDATA: x\n data: y\n\n") == [])
    #expect(try parse("event: a\n\ndata: b\n\n") == [event("b")])
    #expect(try parse("retry: 12x\nretry:\nretry: -5\nretry: 7\n") == [.retry(milliseconds: 7)])
    #expect(try parse("retry: 99999999999999999999\n") == [])
    #expect(try parse("id: 1\u{0}2\ndata: a\n\n") == [event("a")])
    #expect(try parse("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n") == [event("a")])
  }

  @Test func anIdLastsAndAnEmptyOneClearsIt() throws {
    #expect(
      try parse("id: 3\ndata: a\n\ndata: b\n\nid:\ndata: c\n\n") == [
        event("a", id: "3"), event("b", id: "3"), event("c"),
      ])
    var resumed = ServerSentEventParser(lastEventID: "9")
    #expect(try resumed.parse(ByteBuffer(string: "data: a\n\n")) == [event("a", id: "9")])
  }

  /// A client that resumes must be sent again what it has only half read.
  @Test func anUnfinishedEventIsDroppedAndDoesNotMoveTheCursor() throws {
    var parser = ServerSentEventParser()
    #expect(try parser.parse(ByteBuffer(string: "id: 1\ndata: a\n\nid: 2\ndata: b\n")) == [event("a", id: "1")])
    #expect(parser.lastEventID == "1")
    #expect(try parser.parse(ByteBuffer(string: "\n")) == [event("b", id: "2")])
    #expect(parser.lastEventID == "2")
  }

  /// Any cut of the text, also inside a character or between CR and LF, gives the same items.
  @Test(arguments: ["\n", "\r", "\r\n"])
  func everyCutGivesTheSame(_ end: String) throws {
    let lines = [
      "\u{FEFF}: hi", "id: é-1", "event: t", "data: one", "data: zwei ü", "", "retry: 5", "data", "", "data: x", "",
    ]
    let whole = Array(lines.map { $0 + end }.joined().utf8)
    let expected: [ServerSentEventParser.Item] = [
      .comment, event("one\nzwei ü", id: "é-1", type: "t"), .retry(milliseconds: 5), event("", id: "é-1"),
      event("x", id: "é-1"),
    ]
    for first in 0...whole.count {
      for second in first...whole.count {
        var parser = ServerSentEventParser()
        var items: [ServerSentEventParser.Item] = []
        for piece in [whole[..<first], whole[first..<second], whole[second...]] {
          items += try parser.parse(ByteBuffer(bytes: piece))
        }
        #expect(items == expected, "cut at \(first) and \(second)")
      }
    }
  }

  @Test func aLineThatNeverEndsIsAnError() throws {
    var parser = ServerSentEventParser(maximumEventBytes: 100)
    _ = try parser.parse(ByteBuffer(string: "data: " + String(repeating: "x", count: 100)))
    #expect(throws: ServerSentEventParser.Failure.tooLarge(limit: 100)) {
      for _ in 0..<20 { _ = try parser.parse(ByteBuffer(string: "xx")) }
    }
  }

  /// Whoever resumes by cursor must get past it: it is passed over, wherever the stream is cut, and its id counts.
  @Test(arguments: 1...40) func whatIsTooLargeCanBePassedOver(_ size: Int) throws {
    let line = String(repeating: "x", count: 40)
    let text =
      "id: 1\ndata: a\n\nid: 2\ndata: \(line)\ndata: more\n\nid: 3\ndata: 12345\ndata: 67890\n\nid: 4\ndata: b\n\n"
    var parser = ServerSentEventParser(maximumEventBytes: 10, skipsTooLarge: true)
    var items: [ServerSentEventParser.Item] = []
    var rest = ByteBuffer(string: text)
    while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
      items += try parser.parse(piece)
    }
    #expect(items == [event("a", id: "1"), .tooLarge(id: "2"), .tooLarge(id: "3"), event("b", id: "4")])
    #expect(parser.lastEventID == "4")
  }

  @Test func anEventOfManyLinesIsAnError() throws {
    var parser = ServerSentEventParser(maximumEventBytes: 10)
    #expect(try parser.parse(ByteBuffer(string: "data: 12345\ndata: 6789\n\n")) == [event("12345\n6789")])
    #expect(throws: ServerSentEventParser.Failure.tooLarge(limit: 10)) {
      _ = try parser.parse(ByteBuffer(string: "data: 12345\ndata: 67890\n\n"))
    }
    #expect(
      "\(ServerSentEventParser.Failure.tooLarge(limit: 10))" == "The stream holds an event of more than 10 bytes.")
  }
}
