public import NIOCore

/// One JSON value kept as the text it arrived in; an immutable value, safe to share between tasks.
///
/// The text is checked once, strictly (RFC 8259, well-formed UTF-8, no lone surrogates), and from then on is passed
/// along byte for byte: what somebody else wrote is forwarded as they wrote it, and reading a field is a scan, not a
/// copy into a tree. Every value taken out of it is a slice of the same storage.
public struct JSONText: Sendable, Hashable {
  /// The value's text, without white space around it.
  public let bytes: ByteBuffer

  /// Checks a whole text that holds exactly one JSON value.
  ///
  /// - Parameters:
  ///   - text: the bytes to check; white space around the value is allowed and dropped.
  ///   - maximumDepth: how many arrays and objects may be nested in each other. `[]` has depth 1, a number 0.
  ///     Values above 512 count as 512, which keeps the check's own stack small.
  /// - Throws: `JSONTextError` naming the first byte that is wrong.
  public init(validating text: ByteBuffer, maximumDepth: Int = 32) throws(JSONTextError) {
    let range = try JSONValidator.check(text.readableBytesUInt8Span, maximumDepth: min(maximumDepth, 512))
    self.init(unchecked: text, range)
  }

  /// Checks a whole text that holds exactly one JSON value, given as a string.
  ///
  /// - Throws: `JSONTextError` naming the first byte that is wrong.
  public init(validating text: String, maximumDepth: Int = 32) throws(JSONTextError) {
    try self.init(validating: ByteBuffer(string: text), maximumDepth: maximumDepth)
  }

  /// A part of text that is already known to be one value.
  init(unchecked text: ByteBuffer, _ range: Range<Int>) {
    // The range was computed inside the readable bytes, so the slice exists.
    bytes = text.getSlice(at: text.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
  }

  /// Text this module has written itself.
  init(written text: ByteBuffer) {
    bytes = text
  }

  /// The six kinds of JSON value.
  public enum Kind: Sendable, Hashable {
    /// `{...}`
    case object
    /// `[...]`
    case array
    /// `"..."`
    case string
    /// `-1.5e3`
    case number
    /// `true` or `false`
    case boolean
    /// `null`
    case null
  }

  /// What kind of value this is.
  public var kind: Kind {
    switch bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }
}

extension JSONText: CustomStringConvertible {
  /// The text itself.
  public var description: String { String(buffer: bytes) }
}
