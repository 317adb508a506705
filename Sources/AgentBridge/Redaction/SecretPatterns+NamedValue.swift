/// Values told by their names: `NAME=value`, `"name": "value"`, `name: value`, `Authorization: Bearer value`.
extension SecretPatterns {
  /// Bytes of a value outside of quotes that are looked at; a longer one is a secret.
  private static let valueBytes = 128
  /// Bytes of a value in quotes that are removed.
  private static let quotedBytes = 4 * 1024
  /// Blanks on either side of the sign.
  private static let blanks = 8

  /// Words that are no secrets where names of secrets have a value.
  private static let plainValues: Set<String> = [
    "true", "false", "null", "nil", "none", "undefined", "string", "str", "number", "bool", "boolean", "int", "any",
    "object", "bytes", "optional", "void", "required", "self", "yes", "no",
  ]

  /// Whether a value that begins so stands for another one: `$NAME`, `<your key>`, `{{ key }}`, `***`.
  static func isPlaceholder(_ first: UInt8) -> Bool {
    ByteSet.placeholders.contains(first)
  }

  /// What is known of an equals sign or a colon.
  func namedValue(_ text: [UInt8], at sign: Int, isEnd: Bool) -> Verdict {
    guard let name = Self.name(in: text, before: sign), isSecret(name: text[name]) else { return .nothing }
    let isEnvironment = !text[name].contains { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 }
    // The address of something, whatever its scheme is called.
    guard !text[(sign + 1)...].starts(with: "//".utf8) else { return .nothing }
    var value = sign + 1
    // `:=` and `=>` are signs of two characters.
    if value < text.count, ByteSet.signs.contains(text[value]), text[value] != text[sign] { value += 1 }
    let begin = value
    while value < text.count, value - begin < Self.blanks, ByteSet.space.contains(text[value]) { value += 1 }
    guard value < text.count else { return isEnd ? .nothing : .undecided(safe: value - sign) }
    let isTight = text[sign] == UInt8(ascii: "=") && value == sign + 1 && name.upperBound == sign
    if text[value] == UInt8(ascii: "\\") || ByteSet.quotes.contains(text[value]) {
      // In 'token:' the sign is the end of a text, and what follows it is no beginning.
      let endsText =
        value == sign + 1 && name.upperBound == sign && name.lowerBound > 0
        && text[name.lowerBound - 1] == text[value]
      return endsText ? .nothing : quotedValue(text, name, sign, value, isEnd)
    }
    if let behind = Self.scheme(text, value, of: text[name]) {
      guard behind < text.count else { return isEnd ? .nothing : .undecided(safe: 0) }
      return plainValue(text, sign, behind, isTight: true, isEnvironment: true, isEnd)
    }
    return plainValue(text, sign, value, isTight: isTight, isEnvironment: isTight && isEnvironment, isEnd)
  }

  /// The name before a sign.
  private static func name(in text: [UInt8], before sign: Int) -> Range<Int>? {
    var end = sign
    while end > 0, sign - end < 2, ByteSet.space.contains(text[end - 1]) { end -= 1 }
    if end > 0, ByteSet.quotes.contains(text[end - 1]) {
      end -= 1
      if end > 0, text[end - 1] == UInt8(ascii: "\\") { end -= 1 }
    }
    var start = end
    while start > 0, end - start < SecretName.maximumBytes, ByteSet.name.contains(text[start - 1]) { start -= 1 }
    return start < end ? start..<end : nil
  }

  /// The first byte behind `Bearer ` and the like.
  private static func scheme(_ text: [UInt8], _ value: Int, of name: ArraySlice<UInt8>) -> Int? {
    let word = text[value...].prefix(7).prefix { ByteSet.alphanumeric.contains($0) }
    switch String(decoding: word, as: UTF8.self).lowercased() {
    case "bearer", "basic": break
    case "token" where String(decoding: name, as: UTF8.self).lowercased().hasSuffix("authorization"): break
    default: return nil
    }
    let behind = value + word.count
    guard behind < text.count else { return behind }
    return text[behind] == UInt8(ascii: " ") ? behind + 1 : nil
  }

  private func quotedValue(
    _ text: [UInt8], _ name: Range<Int>, _ sign: Int, _ quote: Int, _ isEnd: Bool
  ) -> Verdict {
    let isEscaped = text[quote] == UInt8(ascii: "\\")
    let value = isEscaped ? quote + 2 : quote + 1
    guard value < text.count else { return isEnd ? .nothing : .undecided(safe: text.count - sign) }
    let mark = text[value - 1]
    guard ByteSet.quotes.contains(mark) else { return .nothing }
    // Inside of a text that is itself in quotes, the backslash ends the value.
    let end = ByteSet(isEscaped ? "\\\n" : String(UnicodeScalar(mark)) + "\n")
    var behind = value
    while behind < text.count, behind - value < Self.valueBytes, !end.contains(text[behind]) { behind += 1 }
    if behind == text.count, behind - value < Self.valueBytes, !isEnd { return .undecided(safe: value - sign) }
    let start = Self.scheme(text, value, of: text[name]) ?? value
    guard start < behind, !Self.isPlaceholder(text[start]), !text[start...].starts(with: "\\(".utf8),
      start > value || Self.mayBeSecret(text[value..<behind], of: text[name])
    else { return .nothing }
    return secret(text, from: start, to: start, rest: .until(end, left: Self.quotedBytes), isEnd)
  }

  /// Whether a value in quotes is more than a word of a program or a sentence.
  private static func mayBeSecret(_ value: ArraySlice<UInt8>, of name: ArraySlice<UInt8>) -> Bool {
    if plainValues.contains(String(decoding: value, as: UTF8.self).lowercased()) { return false }
    let hasDigits = value.contains { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    if !hasDigits, value.allSatisfy({ ByteSet.name.contains($0) }), SecretName.isSecret(value) { return false }
    // Of all secrets only those that people think of have blanks.
    let word = String(decoding: name, as: UTF8.self).lowercased()
    return !value.contains(UInt8(ascii: " ")) || word.contains("pass") || word.contains("pwd")
  }

  private func plainValue(
    _ text: [UInt8], _ sign: Int, _ start: Int, isTight: Bool, isEnvironment: Bool, _ isEnd: Bool
  ) -> Verdict {
    var end = start
    while end < text.count, end - start < Self.valueBytes, !ByteSet.valueEnd.contains(text[end]) { end += 1 }
    if end == text.count, end - start < Self.valueBytes, !isEnd { return .undecided(safe: start - sign) }
    guard end > start, !Self.isPlaceholder(text[start]) else { return .nothing }
    let value = text[start..<end]
    let isLong = value.count == Self.valueBytes
    guard isLong || isEnvironment || Self.looksSecret(value, isTight: isTight) else { return .nothing }
    return secret(text, from: start, to: end, rest: isLong ? .until(.valueEnd, left: Self.quotedBytes) : nil, isEnd)
  }

  /// Whether a value that isn't in quotes is more than a piece of a program.
  private static func looksSecret(_ value: ArraySlice<UInt8>, isTight: Bool) -> Bool {
    // What stands behind a type or a value in some languages.
    var value = value
    while let last = value.last, last == UInt8(ascii: "?") || last == UInt8(ascii: "!") { value.removeLast() }
    guard !value.isEmpty else { return false }
    if value.contains(UInt8(ascii: "(")) || value.contains(UInt8(ascii: "[")) { return false }
    let digits = value.count { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    if digits == value.count { return value.count > 6 }
    if digits > 0 { return isTight || value.count >= 8 }
    let isIdentifier = value.allSatisfy { ByteSet.name.contains($0) }
    // Another name stands for a value, wherever that comes from.
    if isIdentifier, SecretName.isSecret(value) || value.contains(UInt8(ascii: ".")) { return false }
    guard !plainValues.contains(String(decoding: value, as: UTF8.self).lowercased()) else { return false }
    return isTight || value.count >= (isIdentifier ? 20 : 8)
  }

  /// The value, called by what it is where that is known.
  private func secret(_ text: [UInt8], from start: Int, to end: Int, rest: Rest?, _ isEnd: Bool) -> Verdict {
    switch begun(text, at: start, isEnd: isEnd) {
    case .undecided: return .undecided(safe: 0)
    case .secret(let kind, let range, let more) where range.lowerBound == start:
      return .secret(kind: kind, start..<max(end, range.upperBound), rest: rest ?? more)
    default: return .secret(kind: SecretRule.namedKind, start..<end, rest: rest)
    }
  }
}
