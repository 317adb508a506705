/// Why a text is not the JSON that was asked for; a plain value.
///
/// Offsets count bytes from the start of the text that was given, so that a person can find the place.
public enum JSONTextError: Error, Sendable, Hashable {
  /// The byte at this offset can't stand there; also a text that ends too early, where it is the text's length.
  case malformed(offset: Int)
  /// More arrays and objects are nested in each other than allowed.
  case tooDeep
  /// The byte at this offset isn't part of well-formed UTF-8.
  case invalidUTF8(offset: Int)

  /// One sentence for a person.
  public var message: String {
    switch self {
    case .malformed(let offset): "The text is not valid JSON at byte \(offset)."
    case .tooDeep: "The JSON is nested too deeply."
    case .invalidUTF8(let offset): "The text is not valid UTF-8 at byte \(offset)."
    }
  }
}

extension JSONTextError: CustomStringConvertible {
  /// The sentence.
  public var description: String { message }
}
