/// The id of an entry of a Redis stream: milliseconds and a sequence number (Redis `XADD`). A value, ordered.
public struct EntryID: Sendable, Hashable, Comparable {
  /// Milliseconds since 1970.
  public let milliseconds: UInt64
  /// Distinguishes entries of one millisecond.
  public let sequence: UInt64

  /// Reads `milliseconds-sequence`, each a decimal number without sign or leading zeros; `nil` for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let milliseconds = Self.number(parts[0]), let sequence = Self.number(parts[1]) else {
      return nil
    }
    self.milliseconds = milliseconds
    self.sequence = sequence
  }

  private static func number(_ text: Substring) -> UInt64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      text == "0" || text.first != "0"
    else { return nil }
    return UInt64(text)
  }

  /// Stream order.
  public static func < (left: EntryID, right: EntryID) -> Bool {
    (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
  }
}
