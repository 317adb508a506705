import NIOCore

extension JSONText {
  /// The value of an object's field, or nil when this is no object or has no such field. Of fields with the same
  /// name the last one counts. Names are compared byte by byte, not by Unicode equivalence.
  public subscript(name: String) -> JSONText? {
    let text = bytes.readableBytesUInt8Span
    var found: Range<Int>?
    eachMember(text) { key, value in
      if Self.matches(text, key, name) { found = value }
    }
    return found.map { JSONText(unchecked: bytes, $0) }
  }

  /// An object's fields in the order of the text, duplicates included; empty for any other kind.
  public var members: [(name: String, value: JSONText)] {
    let text = bytes.readableBytesUInt8Span
    var result: [(name: String, value: JSONText)] = []
    eachMember(text) { key, value in
      let name = String(decoding: JSONScanner.unescape(text, key), as: UTF8.self)
      result.append((name, JSONText(unchecked: bytes, value)))
    }
    return result
  }

  /// An array's elements; empty for any other kind.
  public var elements: [JSONText] {
    guard kind == .array else { return [] }
    let text = bytes.readableBytesUInt8Span
    var result: [JSONText] = []
    var offset = JSONScanner.skipSpace(text, 1)
    while offset < text.count, text[offset] != UInt8(ascii: "]") {
      let end = JSONScanner.skipValue(text, offset)
      result.append(JSONText(unchecked: bytes, offset..<end))
      offset = JSONScanner.skipSpace(text, end)
      if JSONScanner.byte(text, offset) == UInt8(ascii: ",") { offset = JSONScanner.skipSpace(text, offset + 1) }
    }
    return result
  }

  /// A string's characters with the escapes resolved, or nil for any other kind.
  public var string: String? {
    guard kind == .string else { return nil }
    let text = bytes.readableBytesUInt8Span
    return String(decoding: JSONScanner.unescape(text, 0..<text.count), as: UTF8.self)
  }

  /// A number that is whole and fits, or nil. `3.0` and `3e2` are whole; `0.5` and `1e30` are nil, nothing is rounded.
  public var integer: Int64? {
    guard kind == .number else { return nil }
    let digits = String(buffer: bytes)
    if let exact = Int64(digits) { return exact }
    // Written with a fraction or an exponent: below 2^53 no two whole numbers share a double, so this one is exact.
    guard let value = Double(digits), value.magnitude < 9_007_199_254_740_992 else { return nil }
    return Int64(exactly: value)
  }

  /// A number as the nearest double, or nil for any other kind and for what no finite double can hold.
  public var double: Double? {
    guard kind == .number, let value = Double(String(buffer: bytes)), value.isFinite else { return nil }
    return value
  }

  /// `true` or `false`, or nil for any other kind.
  public var bool: Bool? {
    guard kind == .boolean else { return nil }
    return bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == UInt8(ascii: "t")
  }

  /// Whether this is `null`.
  public var isNull: Bool { kind == .null }

  func eachMember(_ text: Span<UInt8>, _ body: (_ name: Range<Int>, _ value: Range<Int>) -> Void) {
    guard kind == .object else { return }
    var offset = JSONScanner.skipSpace(text, 1)
    while offset < text.count, text[offset] == UInt8(ascii: "\"") {
      let nameEnd = JSONScanner.skipString(text, offset)
      // Behind the name, white space and one colon.
      let start = JSONScanner.skipSpace(text, JSONScanner.skipSpace(text, nameEnd) + 1)
      let end = JSONScanner.skipValue(text, start)
      body(offset..<nameEnd, start..<end)
      offset = JSONScanner.skipSpace(text, end)
      if JSONScanner.byte(text, offset) == UInt8(ascii: ",") { offset = JSONScanner.skipSpace(text, offset + 1) }
    }
  }

  private static func matches(_ text: Span<UInt8>, _ key: Range<Int>, _ name: String) -> Bool {
    var offset = key.lowerBound + 1
    let end = key.upperBound - 1
    for byte in name.utf8 {
      guard offset < end else { return false }
      if text[offset] == UInt8(ascii: "\\") {
        return JSONScanner.unescape(text, key).elementsEqual(name.utf8)
      }
      guard text[offset] == byte else { return false }
      offset += 1
    }
    return offset == end
  }
}
