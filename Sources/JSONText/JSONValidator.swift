/// The strict check of a JSON text: a set of functions over a span, without state.
///
/// Each function starts at an offset and returns the offset behind what it has checked.
enum JSONValidator {
  /// Checks that `text` is one value, and says where it lies between the white space around it.
  static func check(_ text: Span<UInt8>, maximumDepth: Int) throws(JSONTextError) -> Range<Int> {
    let start = JSONScanner.skipSpace(text, 0)
    let end = try value(text, start, depthLeft: maximumDepth)
    let rest = JSONScanner.skipSpace(text, end)
    guard rest == text.count else { throw .malformed(offset: rest) }
    return start..<end
  }

  private static func value(_ text: Span<UInt8>, _ start: Int, depthLeft: Int) throws(JSONTextError) -> Int {
    guard start < text.count else { throw .malformed(offset: start) }
    switch text[start] {
    case UInt8(ascii: "{"): return try object(text, start, depthLeft: depthLeft)
    case UInt8(ascii: "["): return try array(text, start, depthLeft: depthLeft)
    case UInt8(ascii: "\""): return try string(text, start)
    case UInt8(ascii: "t"): return try word("true", text, start)
    case UInt8(ascii: "f"): return try word("false", text, start)
    case UInt8(ascii: "n"): return try word("null", text, start)
    default: return try number(text, start)
    }
  }

  private static func object(_ text: Span<UInt8>, _ start: Int, depthLeft: Int) throws(JSONTextError) -> Int {
    guard depthLeft > 0 else { throw .tooDeep }
    var offset = JSONScanner.skipSpace(text, start + 1)
    if JSONScanner.byte(text, offset) == UInt8(ascii: "}") { return offset + 1 }
    while true {
      guard JSONScanner.byte(text, offset) == UInt8(ascii: "\"") else { throw .malformed(offset: offset) }
      offset = JSONScanner.skipSpace(text, try string(text, offset))
      guard JSONScanner.byte(text, offset) == UInt8(ascii: ":") else { throw .malformed(offset: offset) }
      offset = JSONScanner.skipSpace(text, offset + 1)
      offset = JSONScanner.skipSpace(text, try value(text, offset, depthLeft: depthLeft - 1))
      switch JSONScanner.byte(text, offset) {
      case UInt8(ascii: ","): offset = JSONScanner.skipSpace(text, offset + 1)
      case UInt8(ascii: "}"): return offset + 1
      default: throw .malformed(offset: offset)
      }
    }
  }

  private static func array(_ text: Span<UInt8>, _ start: Int, depthLeft: Int) throws(JSONTextError) -> Int {
    guard depthLeft > 0 else { throw .tooDeep }
    var offset = JSONScanner.skipSpace(text, start + 1)
    if JSONScanner.byte(text, offset) == UInt8(ascii: "]") { return offset + 1 }
    while true {
      offset = JSONScanner.skipSpace(text, try value(text, offset, depthLeft: depthLeft - 1))
      switch JSONScanner.byte(text, offset) {
      case UInt8(ascii: ","): offset = JSONScanner.skipSpace(text, offset + 1)
      case UInt8(ascii: "]"): return offset + 1
      default: throw .malformed(offset: offset)
      }
    }
  }

  private static func word(_ word: StaticString, _ text: Span<UInt8>, _ start: Int) throws(JSONTextError) -> Int {
    var offset = start
    for expected in word.description.utf8 {
      guard JSONScanner.byte(text, offset) == expected else { throw .malformed(offset: offset) }
      offset += 1
    }
    return offset
  }

  private static func number(_ text: Span<UInt8>, _ start: Int) throws(JSONTextError) -> Int {
    var offset = start
    if JSONScanner.byte(text, offset) == UInt8(ascii: "-") { offset += 1 }
    if JSONScanner.byte(text, offset) == UInt8(ascii: "0") {
      offset += 1  // A leading zero stands alone: 01 is not a number.
    } else {
      offset = try digits(text, offset)
    }
    if JSONScanner.byte(text, offset) == UInt8(ascii: ".") {
      offset = try digits(text, offset + 1)
    }
    if let exponent = JSONScanner.byte(text, offset), exponent | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if let sign = JSONScanner.byte(text, offset), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        offset += 1
      }
      offset = try digits(text, offset)
    }
    return offset
  }

  /// One digit or more.
  private static func digits(_ text: Span<UInt8>, _ start: Int) throws(JSONTextError) -> Int {
    var offset = start
    while let digit = JSONScanner.byte(text, offset), digit &- UInt8(ascii: "0") < 10 { offset += 1 }
    guard offset > start else { throw .malformed(offset: offset) }
    return offset
  }

  private static func string(_ text: Span<UInt8>, _ start: Int) throws(JSONTextError) -> Int {
    var offset = start + 1
    while offset < text.count {
      let byte = text[offset]
      switch byte {
      case UInt8(ascii: "\""): return offset + 1
      case UInt8(ascii: "\\"): offset = try escape(text, offset)
      case 0..<0x20: throw .malformed(offset: offset)
      case 0x20..<0x80: offset += 1
      default: offset = try multibyte(text, offset)
      }
    }
    throw .malformed(offset: offset)
  }

  /// A backslash and what belongs to it; a high surrogate takes its low one along.
  private static func escape(_ text: Span<UInt8>, _ start: Int) throws(JSONTextError) -> Int {
    guard let letter = JSONScanner.byte(text, start + 1) else { throw .malformed(offset: start + 1) }
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return start + 2
    case UInt8(ascii: "u"):
      guard let unit = JSONScanner.codeUnit(text, start + 2) else { throw .malformed(offset: start) }
      switch unit {
      case 0xD800..<0xDC00:
        guard JSONScanner.byte(text, start + 6) == UInt8(ascii: "\\"),
          JSONScanner.byte(text, start + 7) == UInt8(ascii: "u"),
          let low = JSONScanner.codeUnit(text, start + 8), 0xDC00..<0xE000 ~= low
        else { throw .malformed(offset: start) }
        return start + 12
      case 0xDC00..<0xE000: throw .malformed(offset: start)
      default: return start + 6
      }
    default: throw .malformed(offset: start + 1)
    }
  }

  /// One character of two to four bytes, by the table of well-formed sequences (Unicode 15, table 3-7).
  private static func multibyte(_ text: Span<UInt8>, _ start: Int) throws(JSONTextError) -> Int {
    let second: ClosedRange<UInt8>
    let length: Int
    switch text[start] {
    case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
    case 0xE0: (second, length) = (0xA0...0xBF, 3)
    case 0xE1...0xEC, 0xEE...0xEF: (second, length) = (0x80...0xBF, 3)
    case 0xED: (second, length) = (0x80...0x9F, 3)
    case 0xF0: (second, length) = (0x90...0xBF, 4)
    case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
    case 0xF4: (second, length) = (0x80...0x8F, 4)
    default: throw .invalidUTF8(offset: start)
    }
    guard start + length <= text.count, second.contains(text[start + 1]) else { throw .invalidUTF8(offset: start) }
    var offset = start + 2
    while offset < start + length {
      guard 0x80...0xBF ~= text[offset] else { throw .invalidUTF8(offset: start) }
      offset += 1
    }
    return offset
  }
}
