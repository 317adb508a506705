import NIOCore

extension JSONText {
  /// Where a string stands.
  public enum StringPlace: Sendable, Hashable {
    /// It is the name of an object's field.
    case name
    /// It is the value of the field of this name.
    case value(of: [UInt8])
    /// It is an element of an array, or the whole value.
    case element
  }

  /// The same value with some of its strings replaced; every other byte stays as it was.
  ///
  /// Takes one pass over the text, however deeply it is nested.
  ///
  /// - Parameter replace: is given each string in the order of the text, its escapes resolved, and returns what stands in
  ///   its place, or nil to leave it as it is.
  public func replacingStrings(_ replace: (_ string: [UInt8], _ place: StringPlace) -> [UInt8]?) -> JSONText {
    let text = bytes.readableBytesUInt8Span
    var result = ByteBuffer()
    var (offset, copied) = (0, 0)
    var name: [UInt8]?
    while offset < text.count {
      guard text[offset] == UInt8(ascii: "\"") else {
        // A field's name belongs to the value right behind it alone.
        if !JSONScanner.isSpace(text[offset]), text[offset] != UInt8(ascii: ":") { name = nil }
        offset += 1
        continue
      }
      let end = JSONScanner.skipString(text, offset)
      let string = JSONScanner.unescape(text, offset..<end)
      let isName = JSONScanner.byte(text, JSONScanner.skipSpace(text, end)) == UInt8(ascii: ":")
      if let new = replace(string, isName ? .name : name.map(StringPlace.value(of:)) ?? .element) {
        result.writeImmutableBuffer(JSONText(unchecked: bytes, copied..<offset).bytes)
        Self.quote(String(decoding: new, as: UTF8.self), into: &result)
        copied = end
      }
      name = isName ? string : nil
      offset = end
    }
    guard copied > 0 else { return self }
    result.writeImmutableBuffer(JSONText(unchecked: bytes, copied..<text.count).bytes)
    return JSONText(written: result)
  }
}
