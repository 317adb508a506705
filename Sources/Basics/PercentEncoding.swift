/// Percent-decoding as RFC 3986 has it; functions without state.
public enum PercentEncoding {
  /// Why a text could not be decoded.
  public enum Failure: Error, Sendable, Hashable {
    /// A `%` is not followed by two hexadecimal digits.
    case brokenEscape
    /// What the escapes stand for is not UTF-8.
    case notUTF8
  }

  /// The decoded text.
  ///
  /// - Parameter plusIsSpace: whether `+` stands for a space, as in a form-encoded query.
  /// - Throws: `Failure` when an escape is broken or the result is not UTF-8.
  public static func decode(_ text: Substring, plusIsSpace: Bool = false) throws(Failure) -> String {
    let utf8 = text.utf8
    guard utf8.contains(where: { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }) else {
      return String(text)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count)
    var iterator = utf8.makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = iterator.next().flatMap(Hexadecimal.value),
          let low = iterator.next().flatMap(Hexadecimal.value)
        else { throw .brokenEscape }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    return decoded
  }
}
