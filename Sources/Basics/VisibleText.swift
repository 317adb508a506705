/// Shows text from others so that what is seen is what is there; functions without state.
///
/// A prompt may hold characters that nobody sees, that turn the order of others around or that pile up on their
/// neighbours, and a terminal obeys control sequences. Such characters are written out as their code points: `<U+202E>`.
public enum VisibleText {
  /// Marks that may stand on one character: real writing needs no more.
  static let maximumMarks = 4

  /// The text with every character that a terminal would not show, or would obey, written out.
  ///
  /// - Parameter keepsLines: whether line feeds and tabs stay what they are.
  public static func show(_ text: String, keepsLines: Bool = true) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    let scalars = Array(text.unicodeScalars)
    // How many marks the character before can still take; none where there is no character to stand on.
    var room = 0
    for (index, scalar) in scalars.enumerated() {
      if keepsLines, scalar == "\n" || scalar == "\t" {
        result.unicodeScalars.append(scalar)
        room = 0
      } else if isMark(scalar), isShown(scalar) {
        if room > 0 { result.unicodeScalars.append(scalar) } else { writeOut(scalar, into: &result) }
        room = max(0, room - 1)
      } else if isShown(scalar) {
        result.unicodeScalars.append(scalar)
        room = scalar == " " ? 0 : maximumMarks
      } else if isJoiner(scalars, index) {
        result.unicodeScalars.append(scalar)
      } else {
        writeOut(scalar, into: &result)
        room = 0
      }
    }
    return result
  }

  private static func writeOut(_ scalar: Unicode.Scalar, into result: inout String) {
    result += "<U+" + Hexadecimal.digits(of: scalar.value, atLeast: 4, uppercase: true) + ">"
  }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: return true
    default: return false
    }
  }

  private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value >= 0x20, scalar.value < 0x7F { return true }
    let properties = scalar.properties
    if properties.isDefaultIgnorableCodePoint || properties.isBidiControl { return false }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return false
    case .spaceSeparator: return false  // Every space but U+0020: they look like it, or like nothing.
    default: return scalar != "\u{2800}"  // The empty Braille pattern looks like a space as well.
    }
  }

  /// Whether an invisible character is what makes an emoji what it is: it stands between two, or selects its form.
  private static func isJoiner(_ scalars: [Unicode.Scalar], _ index: Int) -> Bool {
    guard index > 0 else { return false }
    let before = scalars[index - 1]
    let next = index + 1 < scalars.count ? scalars[index + 1] : nil
    switch scalars[index] {
    case "\u{FE0F}":
      // Digits, # and * count as emoji too, but only as the keys they make together with U+20E3.
      return before.properties.isEmoji && (before.value > 0x7F || next == "\u{20E3}")
    case "\u{200D}":
      guard let next else { return false }
      let joins = before.properties.isEmoji && before.value > 0x7F || before == "\u{FE0F}"
      return joins && next.properties.isEmoji && next.value > 0x7F
    default: return false
    }
  }
}
