internal import Basics
public import NIOCore

extension JSONText {
  /// Writes a string as a JSON string: quotes around it, and escapes for quotes, backslashes and control characters.
  public static func quote(_ string: String, into buffer: inout ByteBuffer) {
    var text: [UInt8] = [UInt8(ascii: "\"")]
    text.reserveCapacity(string.utf8.count + 2)
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(contentsOf: [UInt8(ascii: "\\"), byte])
      case 0x0A: text.append(contentsOf: "\\n".utf8)
      case 0x0D: text.append(contentsOf: "\\r".utf8)
      case 0x09: text.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        text.append(contentsOf: "\\u00".utf8)
        text.append(contentsOf: [Hexadecimal.digit(byte >> 4), Hexadecimal.digit(byte & 0xF)])
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
    buffer.writeBytes(text)
  }

  /// A JSON string.
  public init(string: String) {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(string.utf8.count + 2)
    Self.quote(string, into: &buffer)
    self.init(written: buffer)
  }

  /// A JSON number.
  public init(integer: Int64) {
    self.init(written: ByteBuffer(string: String(integer)))
  }

  /// `true` or `false`.
  public init(bool: Bool) {
    self.init(written: ByteBuffer(string: bool ? "true" : "false"))
  }

  /// `null`.
  public static let null = JSONText(written: ByteBuffer(string: "null"))

  /// A JSON array of values that exist already, each copied as it is.
  public init(array: some Sequence<JSONText>) {
    var buffer = ByteBuffer()
    buffer.writeInteger(UInt8(ascii: "["))
    var isFirst = true
    for element in array {
      if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
      isFirst = false
      buffer.writeImmutableBuffer(element.bytes)
    }
    buffer.writeInteger(UInt8(ascii: "]"))
    self.init(written: buffer)
  }

  /// A JSON object, its fields written by a closure.
  public init(object write: (inout JSONObjectWriter) -> Void) {
    var writer = JSONObjectWriter()
    write(&writer)
    self = writer.text
  }

  /// The same value without white space between its parts, hence on one line: strings cannot hold a line end.
  public func compacted() -> JSONText {
    let text = bytes.readableBytesUInt8Span
    var result = ByteBuffer()
    result.reserveCapacity(text.count)
    var offset = 0
    var start = 0
    while offset < text.count {
      if text[offset] == UInt8(ascii: "\"") {
        offset = JSONScanner.skipString(text, offset)
      } else if JSONScanner.isSpace(text[offset]) {
        copy(start..<offset, into: &result)
        offset = JSONScanner.skipSpace(text, offset)
        start = offset
      } else {
        offset += 1
      }
    }
    guard start > 0 else { return self }
    copy(start..<offset, into: &result)
    return JSONText(written: result)
  }

  private func copy(_ range: Range<Int>, into buffer: inout ByteBuffer) {
    buffer.writeImmutableBuffer(JSONText(unchecked: bytes, range).bytes)
  }
}

/// Writes one JSON object field by field; a plain value that one function fills and then takes `text` from.
///
/// A field whose value is nil is left out: replies and requests hold no `null` for what has no value. Names are the
/// program's own and are not looked up for duplicates.
public struct JSONObjectWriter: Sendable {
  private var buffer = ByteBuffer()
  private var isEmpty = true

  /// An object without fields.
  public init() {
    buffer.writeInteger(UInt8(ascii: "{"))
  }

  /// Adds a string.
  public mutating func add(_ name: String, _ value: String?) {
    guard let value else { return }
    begin(name)
    JSONText.quote(value, into: &buffer)
  }

  /// Adds a whole number.
  public mutating func add(_ name: String, _ value: Int64?) {
    guard let value else { return }
    begin(name)
    buffer.writeString(String(value))
  }

  /// Adds a whole number.
  public mutating func add(_ name: String, _ value: Int?) {
    add(name, value.map(Int64.init))
  }

  /// Adds `true` or `false`.
  public mutating func add(_ name: String, _ value: Bool?) {
    guard let value else { return }
    begin(name)
    buffer.writeString(value ? "true" : "false")
  }

  /// Adds a value that exists already, byte for byte.
  public mutating func add(_ name: String, _ value: JSONText?) {
    guard let value else { return }
    begin(name)
    buffer.writeImmutableBuffer(value.bytes)
  }

  /// Adds an object, its fields written by a closure.
  public mutating func add(_ name: String, object write: (inout JSONObjectWriter) -> Void) {
    add(name, JSONText(object: write))
  }

  /// The object with what has been added so far.
  public var text: JSONText {
    var finished = buffer
    finished.writeInteger(UInt8(ascii: "}"))
    return JSONText(written: finished)
  }

  private mutating func begin(_ name: String) {
    if !isEmpty { buffer.writeInteger(UInt8(ascii: ",")) }
    isEmpty = false
    JSONText.quote(name, into: &buffer)
    buffer.writeInteger(UInt8(ascii: ":"))
  }
}
