public import NIOCore

/// Writes commands as RESP arrays of strings straight into a buffer shared by many commands. A namespace of pure functions.
public enum CommandEncoder {
  /// Appends the header of a command of `count` parts (its name included); that many parts must follow.
  public static func writeHeader(count: Int, into buffer: inout ByteBuffer) {
    writeLine(prefix: UInt8(ascii: "*"), count, into: &buffer)
  }

  /// Appends one part that is text.
  public static func write(_ text: String, into buffer: inout ByteBuffer) {
    writeLine(prefix: UInt8(ascii: "$"), text.utf8.count, into: &buffer)
    buffer.writeString(text)
    buffer.writeInteger(endOfLine)
  }

  /// Appends one part that is bytes.
  public static func write(_ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
    writeLine(prefix: UInt8(ascii: "$"), bytes.readableBytes, into: &buffer)
    buffer.writeImmutableBuffer(bytes)
    buffer.writeInteger(endOfLine)
  }

  /// Appends one part that is a number in decimal.
  public static func write(_ number: Int, into buffer: inout ByteBuffer) {
    writeLine(prefix: UInt8(ascii: "$"), decimalLength(of: number), into: &buffer)
    writeDecimal(number, into: &buffer)
    buffer.writeInteger(endOfLine)
  }

  /// Appends one part, whatever its kind.
  public static func write(_ argument: RedisArgument, into buffer: inout ByteBuffer) {
    switch argument {
    case .string(let text): write(text, into: &buffer)
    case .bytes(let bytes): write(bytes, into: &buffer)
    case .integer(let number): write(number, into: &buffer)
    }
  }

  /// Appends a whole command.
  public static func write(_ command: RedisCommand, into buffer: inout ByteBuffer) {
    writeHeader(count: 1 + command.arguments.count, into: &buffer)
    write(command.name, into: &buffer)
    for argument in command.arguments { write(argument, into: &buffer) }
  }

  /// CR LF as one big-endian number: one write instead of two.
  private static let endOfLine: UInt16 = 0x0D0A

  private static func writeLine(prefix: UInt8, _ number: Int, into buffer: inout ByteBuffer) {
    buffer.writeInteger(prefix)
    writeDecimal(number, into: &buffer)
    buffer.writeInteger(endOfLine)
  }

  private static func decimalLength(of number: Int) -> Int {
    var length = number < 0 ? 2 : 1
    var rest = number.magnitude / 10
    while rest > 0 {
      length += 1
      rest /= 10
    }
    return length
  }

  /// Digits go out through one 64-bit number when they fit (they nearly always do: lengths and times), because a
  /// temporary string per number costs more than the rest of the encoding.
  private static func writeDecimal(_ number: Int, into buffer: inout ByteBuffer) {
    guard number >= 0, number <= 99_999_999 else {
      buffer.writeString(String(number))
      return
    }
    var digits: UInt64 = 0
    var rest = UInt64(number)
    var count = 0
    repeat {
      digits |= (UInt64(UInt8(ascii: "0")) + rest % 10) << (8 * UInt64(count))
      rest /= 10
      count += 1
    } while rest > 0
    // The least significant byte holds the last digit: put the first digit on top and write from there.
    let aligned = digits << (8 * UInt64(8 - count))
    let index = buffer.writerIndex
    buffer.writeInteger(aligned)
    buffer.moveWriterIndex(to: index + count)
  }
}
