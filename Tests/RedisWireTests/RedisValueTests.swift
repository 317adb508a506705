import NIOCore
import RedisWire
import Testing

@Suite("Values")
struct RedisValueTests {
  @Test("accessors answer for the kinds they fit, and with nil for all others")
  func accessors() {
    let values: [RedisValue] = [
      .status("OK"), .error("ERR x"), .integer(5), .bytes(ByteBuffer(string: "12")), .null, .array([.integer(1)]),
    ]
    #expect(values.map(\.string) == ["OK", nil, nil, "12", nil, nil])
    #expect(values.map(\.integer) == [nil, nil, 5, 12, nil, nil])
    #expect(values.map { $0.bytes?.readableBytes } == [2, nil, nil, 2, nil, nil])
    #expect(values.map { $0.array?.count } == [nil, nil, nil, nil, nil, 1])
    #expect(values.map(\.errorMessage) == [nil, "ERR x", nil, nil, nil, nil])
    #expect(values.map(\.isNull) == [false, false, false, false, true, false])
  }

  @Test("the description of a kind never holds the content")
  func kinds() {
    #expect(RedisValue.bytes(ByteBuffer(string: "secret")).kindDescription == "a string of 6 bytes")
    #expect(RedisValue.status("secret").kindDescription == "a status")
    #expect(RedisValue.array([.null]).kindDescription == "an array of 1")
  }

  @Test("literals make arguments")
  func literals() {
    #expect(RedisCommand("X", "a", 1) == RedisCommand("X", arguments: [.string("a"), .integer(1)]))
  }
}
