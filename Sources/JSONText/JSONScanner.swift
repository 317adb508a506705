internal import Basics

/// Walking over JSON: functions over a span, without state.
///
/// `skipValue` and `skipString` are for text that has been checked: they only look for the end.
enum JSONScanner {
  /// The byte at an offset, or nil behind the end.
  @inline(__always)
  static func byte(_ text: Span<UInt8>, _ offset: Int) -> UInt8? {
    offset < text.count ? text[offset] : nil
  }

  /// The offset of the first byte from `start` on that isn't JSON's white space.
  static func skipSpace(_ text: Span<UInt8>, _ start: Int) -> Int {
    var offset = start
    while offset < text.count, isSpace(text[offset]) { offset += 1 }
    return offset
  }

  static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  /// The four hexadecimal digits at `start`.
  static func codeUnit(_ text: Span<UInt8>, _ start: Int) -> UInt16? {
    guard start + 4 <= text.count else { return nil }
    var unit: UInt16 = 0
    for offset in start..<start + 4 {
      guard let digit = Hexadecimal.value(of: text[offset]) else { return nil }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }

  /// The offset behind the string that starts at `start`.
  static func skipString(_ text: Span<UInt8>, _ start: Int) -> Int {
    var offset = start + 1
    while offset < text.count {
      switch text[offset] {
      case UInt8(ascii: "\""): return offset + 1
      case UInt8(ascii: "\\"): offset += 2
      default: offset += 1
      }
    }
    return offset
  }

  /// The offset behind the value that starts at `start`.
  static func skipValue(_ text: Span<UInt8>, _ start: Int) -> Int {
    var offset = start
    var depth = 0
    while offset < text.count {
      switch text[offset] {
      case UInt8(ascii: "\""):
        offset = skipString(text, offset)
        if depth == 0 { return offset }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        offset += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        // A bracket at depth 0 closes what is around a number or word, and isn't part of it.
        if depth == 0 { return offset }
        depth -= 1
        offset += 1
        if depth == 0 { return offset }
      case UInt8(ascii: ",") where depth == 0: return offset
      case let byte where depth == 0 && isSpace(byte): return offset
      default: offset += 1
      }
    }
    return offset
  }

  /// The text between the quotes of the string at `range`, escapes resolved.
  static func unescape(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    let end = range.upperBound - 1
    var offset = range.lowerBound + 1
    while offset < end {
      guard text[offset] == UInt8(ascii: "\\") else {
        result.append(text[offset])
        offset += 1
        continue
      }
      switch text[offset + 1] {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        var scalar = UInt32(codeUnit(text, offset + 2) ?? 0xFFFD)
        if 0xD800..<0xDC00 ~= scalar {
          let low = UInt32(codeUnit(text, offset + 8) ?? 0xDC00)
          scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
          offset += 6
        }
        result.append(contentsOf: String(Character(Unicode.Scalar(scalar) ?? "\u{FFFD}")).utf8)
        offset += 4
      case let plain: result.append(plain)
      }
      offset += 2
    }
    return result
  }
}
