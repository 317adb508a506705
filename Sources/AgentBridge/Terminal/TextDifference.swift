import Basics

/// What is different between two texts, line by line; functions without state.
///
/// Only what both have in common at their beginning and end is left out, and counted: the rest of the old text is taken
/// away and the rest of the new one put there. That is exact, however large the texts are.
enum TextDifference {
  /// Lines that are the same and shown around the difference.
  static let context = 3

  /// The difference as lines to show. A text that is nil isn't there yet.
  static func lines(from old: String?, to new: String) -> [String] {
    // Compared byte by byte: two ways to write the same character are a difference.
    let (before, after) = (split(old), split(new))
    let start = zip(before, after).prefix { $0.elementsEqual($1) }.count
    let rest = min(before.count, after.count) - start
    let end = zip(before.reversed(), after.reversed()).prefix(rest).prefix { $0.elementsEqual($1) }.count
    if start == after.count, start == before.count { return ["= nothing is different"] }
    return unchanged(start - context)
      + show(after[max(0, start - context)..<start], "  ")
      + show(before[start..<(before.count - end)], "- ")
      + show(after[start..<(after.count - end)], "+ ")
      + show(after[(after.count - end)..<(after.count - end + min(end, context))], "  ")
      + unchanged(end - context)
  }

  private static func split(_ text: String?) -> [Substring.UTF8View] {
    guard let text else { return [] }
    return text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  }

  private static func show(_ lines: ArraySlice<Substring.UTF8View>, _ mark: String) -> [String] {
    lines.map { mark + VisibleText.show(String(Substring($0))) }
  }

  private static func unchanged(_ count: Int) -> [String] {
    count > 0 ? ["= \(count) more lines are the same"] : []
  }
}
