internal import Basics
import NIOCore

extension JSONText {
  /// The same value in the one spelling that everybody arrives at (RFC 8785): members sorted by name, no white space, only the
  /// escapes that are needed. So a digest of it says the same to programs that write JSON differently.
  ///
  /// Numbers other than whole ones stay as they are written.
  public func canonical() -> JSONText {
    switch kind {
    case .object:
      // By UTF-16 units, as the standard has it; of members of one name the last counts, as it does for readers.
      var values: [String: JSONText] = [:]
      for (name, value) in members { values[name] = value.canonical() }
      let names = values.keys.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
      var buffer = ByteBuffer()
      var separator = "{"
      for name in names {
        buffer.writeString(separator)
        Self.quoteCanonically(name, into: &buffer)
        buffer.writeString(":")
        if let value = values[name] { buffer.writeImmutableBuffer(value.bytes) }
        separator = ","
      }
      buffer.writeString(names.isEmpty ? "{}" : "}")
      return JSONText(written: buffer)
    case .array: return JSONText(array: elements.map { $0.canonical() })
    case .string:
      var buffer = ByteBuffer()
      Self.quoteCanonically(string ?? "", into: &buffer)
      return JSONText(written: buffer)
    case .number: return integer.map(JSONText.init(integer:)) ?? self
    default: return self
    }
  }

  private static func quoteCanonically(_ string: String, into buffer: inout ByteBuffer) {
    var text: [UInt8] = [UInt8(ascii: "\"")]
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
      case 0x08: text += Array("\\b".utf8)
      case 0x09: text += Array("\\t".utf8)
      case 0x0A: text += Array("\\n".utf8)
      case 0x0C: text += Array("\\f".utf8)
      case 0x0D: text += Array("\\r".utf8)
      case 0..<0x20:
        text += Array("\\u00".utf8) + [Hexadecimal.digit(byte >> 4), Hexadecimal.digit(byte & 0xF)]
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
    buffer.writeBytes(text)
  }
}
