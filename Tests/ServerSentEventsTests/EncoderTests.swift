import NIOCore
import ServerSentEvents
import Testing

/// The bytes of frames.
struct EncoderTests {
  private func encode(_ event: ServerSentEvent) throws -> String {
    var buffer = ByteBuffer()
    try ServerSentEventEncoder.write(event, into: &buffer)
    return String(buffer: buffer)
  }

  @Test func anEventHasItsFieldsInOrder() throws {
    let event = ServerSentEvent(id: "5-0", type: "note", data: ByteBuffer(string: "{\"a\":1}"))
    #expect(try encode(event) == "id: 5-0\nevent: note\ndata: {\"a\":1}\n\n")
    #expect(try encode(ServerSentEvent(data: ByteBuffer(string: "x"))) == "data: x\n\n")
    #expect(try encode(ServerSentEvent(data: ByteBuffer())) == "data: \n\n")
  }

  @Test(arguments: [
    ("a\nb", "data: a\ndata: b\n\n"), ("a\r\nb", "data: a\ndata: b\n\n"), ("a\rb", "data: a\ndata: b\n\n"),
    ("a\n", "data: a\ndata: \n\n"), ("\r", "data: \ndata: \n\n"), ("a\n\nid: 9", "data: a\ndata: \ndata: id: 9\n\n"),
    (" a", "data:  a\n\n"),
  ])
  func linesOfThePayloadCannotBecomeFields(_ data: String, _ expected: String) throws {
    #expect(try encode(ServerSentEvent(data: ByteBuffer(string: data))) == expected)
  }

  @Test(arguments: ["a\nb", "a\rb", "\u{0}", "a\u{1b}", "\u{7f}", "\n"])
  func controlCharactersAreRefused(_ field: String) throws {
    var buffer = ByteBuffer()
    let data = ByteBuffer(string: "x")
    #expect(throws: ServerSentEventEncoder.Failure.controlCharacter) {
      try ServerSentEventEncoder.write(ServerSentEvent(id: field, data: data), into: &buffer)
    }
    #expect(throws: ServerSentEventEncoder.Failure.controlCharacter) {
      try ServerSentEventEncoder.write(ServerSentEvent(id: "1", type: field, data: data), into: &buffer)
    }
    #expect(buffer.readableBytes == 0)
  }

  @Test func retryAndHeartbeatAreFramesOfTheirOwn() {
    var buffer = ByteBuffer()
    ServerSentEventEncoder.writeRetry(milliseconds: 2_000, into: &buffer)
    ServerSentEventEncoder.writeHeartbeat(into: &buffer)
    ServerSentEventEncoder.writeRetry(milliseconds: -1, into: &buffer)
    #expect(String(buffer: buffer) == "retry: 2000\n\n: heartbeat\n\nretry: 0\n\n")
  }
}
