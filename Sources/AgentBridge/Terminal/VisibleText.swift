/// Shows text from others so that what is seen is what is there; functions without state.
///
/// A prompt may hold characters that nobody sees or that turn the order of others around, and a terminal obeys control
/// sequences. Such characters are written out as their code points: `<U+202E>`.
public enum VisibleText {
  /// The text with every character that a terminal would not show, or would obey, written out.
  ///
  /// - Parameter keepsLines: whether line feeds and tabs stay what they are.
  public static func show(_ text: String, keepsLines: Bool = true) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    let scalars = Array(text.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      if keepsLines, scalar == "\n" || scalar == "\t" {
        result.unicodeScalars.append(scalar)
      } else if isShown(scalar) || isJoiner(scalars, index) {
        result.unicodeScalars.append(scalar)
      } else {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "<U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ">"
      }
    }
    return result
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
    let before = scalars[index - 1].properties
    switch scalars[index] {
    case "\u{FE0F}": return before.isEmoji
    case "\u{200D}":
      guard index + 1 < scalars.count else { return false }
      return (before.isEmoji || scalars[index - 1] == "\u{FE0F}") && scalars[index + 1].properties.isEmojiPresentation
    default: return false
    }
  }
}
