/// What texts from outside may be: lengths and characters. Pure functions over configured bounds. A value.
public struct FieldRules: Sendable, Hashable {
  /// Characters of an id of any kind.
  public var identifier = 128
  /// Characters of a user id.
  public var userID = 128
  /// Characters of a display name.
  public var displayName = 64
  /// Bytes of a message's text.
  public var messageText = 16 * 1_024
  /// Bytes of a prompt, and of its edited form.
  public var prompt = 64 * 1_024
  /// Bytes of the reason for a decision and of a dispatch's error.
  public var reason = 4 * 1_024

  /// Bytes of a permission request's tool call, and of its options.
  public var toolCall = 64 * 1_024

  /// Bytes of what an agent asks its people: its message, the schema of its answer, and an answer.
  public var question = 32 * 1_024

  /// The default bounds.
  public init() {}

  /// Whether a text can be an id: 1-128 of `A-Za-z0-9._:-`; never braces, blanks or globs.
  public static func isIdentifier(_ text: String, maximum: Int = 128) -> Bool {
    (1...max(1, maximum)).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
          UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  /// Checks an id field.
  ///
  /// - Throws: `INVALID_FIELD` naming the field.
  public func identifier(_ text: String, _ field: String) throws(SharedSessionError) -> String {
    guard Self.isIdentifier(text, maximum: identifier) else {
      throw SharedSessionError(
        .invalidField, "'\(field)' must be 1 to \(identifier) characters of A-Z, a-z, 0-9, '.', '_', ':' and '-'.")
    }
    return text
  }

  /// Checks a user id, which is trimmed first and must not be blank (the caller has its own code for that).
  ///
  /// - Throws: `INVALID_FIELD` naming the field.
  public func userID(_ text: String, _ field: String) throws(SharedSessionError) -> String {
    try line(Self.trimmed(text), field, most: userID)
  }

  /// Checks a display name; a blank one is none.
  ///
  /// - Throws: `INVALID_FIELD` naming the field.
  public func displayName(_ text: String?, _ field: String) throws(SharedSessionError) -> String? {
    guard let text else { return nil }
    let name = try line(Self.trimmed(text), field, most: displayName)
    return name.isEmpty ? nil : name
  }

  /// Checks a text of several lines.
  ///
  /// - Throws: `INVALID_FIELD` naming the field.
  public func text(_ text: String, _ field: String, mostBytes: Int) throws(SharedSessionError) -> String {
    guard text.utf8.count <= mostBytes else {
      throw SharedSessionError(
        .invalidField, "'\(field)' has \(text.utf8.count) bytes; at most \(mostBytes) are taken.")
    }
    guard !text.utf8.contains(0) else {
      throw SharedSessionError(.invalidField, "'\(field)' must not hold a NUL character.")
    }
    return text
  }

  /// A text of one line without control characters.
  private func line(_ text: String, _ field: String, most: Int) throws(SharedSessionError) -> String {
    guard text.unicodeScalars.count <= most else {
      throw SharedSessionError(.invalidField, "'\(field)' must be at most \(most) characters long.")
    }
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      throw SharedSessionError(.invalidField, "'\(field)' must not hold control characters.")
    }
    return text
  }

  /// A text without white space at its ends.
  public static func trimmed(_ text: String) -> String {
    var view = text.unicodeScalars[...]
    while let first = view.first, first.properties.isWhitespace { view.removeFirst() }
    while let last = view.last, last.properties.isWhitespace { view.removeLast() }
    return String(view)
  }

  /// Whether nothing is left of a text once it is trimmed.
  public static func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
}
