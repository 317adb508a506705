import NIOCore
import RedisWire
import TestSupport
import Testing

@Suite("Encoding commands")
struct CommandEncoderTests {
  private func encode(_ command: RedisCommand) -> String {
    var buffer = ByteBuffer()
    CommandEncoder.write(command, into: &buffer)
    return String(buffer: buffer)
  }

  @Test("a command is an array of its name and arguments")
  func command() {
    #expect(encode(RedisCommand("PING")) == "*1\r\n$4\r\nPING\r\n")
    #expect(
      encode(RedisCommand("SET", "k", .bytes(ByteBuffer(string: "a\r\nb")), "PX", 500))
        == "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n$2\r\nPX\r\n$3\r\n500\r\n")
    #expect(encode(RedisCommand("ECHO", "")) == "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n")
    #expect(encode(RedisCommand("ECHO", "é")) == "*2\r\n$4\r\nECHO\r\n$2\r\né\r\n")
  }

  @Test(
    "numbers are decimal with the right length",
    arguments: [
      0, 1, 9, 10, 99, 100, 12_345_678, 99_999_999, 100_000_000, -1, -9, -10, -99_999_999, Int.max, Int.min,
    ])
  func numbers(number: Int) {
    let text = String(number)
    #expect(encode(RedisCommand("N", .integer(number))) == "*2\r\n$1\r\nN\r\n$\(text.utf8.count)\r\n\(text)\r\n")
  }

  @Test("commands follow each other in a shared buffer, of which a part was read already")
  func sharedBuffer() {
    var buffer = ByteBuffer(string: "xyz")
    buffer.moveReaderIndex(forwardBy: 3)
    CommandEncoder.write(RedisCommand("A"), into: &buffer)
    CommandEncoder.writeHeader(count: 2, into: &buffer)
    CommandEncoder.write("B", into: &buffer)
    CommandEncoder.write(7, into: &buffer)
    #expect(String(buffer: buffer) == "*1\r\n$1\r\nA\r\n*2\r\n$1\r\nB\r\n$1\r\n7\r\n")
  }

  @Test("what is encoded is read back as the same parts", arguments: 1...10)
  func roundTrip(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let arguments = (0..<Int.random(in: 0...20, using: &random)).map { _ -> RedisArgument in
        switch Int.random(in: 0...2, using: &random) {
        case 0: .integer(Int(truncatingIfNeeded: random.next()) >> Int.random(in: 0...63, using: &random))
        case 1: .string(String(repeating: "ü", count: Int.random(in: 0...50, using: &random)))
        default: .bytes(ByteBuffer(repeating: 13, count: Int.random(in: 0...50, using: &random)))
        }
      }
      var buffer = ByteBuffer()
      CommandEncoder.write(RedisCommand("CMD", arguments: arguments), into: &buffer)
      let expected =
        [RedisValue.text("CMD")]
        + arguments.map { argument in
          switch argument {
          case .integer(let number): .text(String(number))
          case .string(let text): .text(text)
          case .bytes(let bytes): .bytes(bytes)
          }
        }
      // RESP requests are arrays of strings, so the reader of replies can read them.
      #expect(readAll([buffer]).replies == [.array(expected)])
    }
  }
}
