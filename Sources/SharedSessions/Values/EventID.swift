/// The id of an entry of a session's Redis stream, `<milliseconds>-<sequence>`; a value, ordered as Redis orders them.
///
/// Clients know it as an event's `id:` and send it back as the cursor of a stream.
public struct EventID: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The first part: Unix time in milliseconds.
  public var milliseconds: UInt64
  /// The second part: counts entries of the same millisecond.
  public var sequence: UInt64

  /// An id from its parts.
  public init(milliseconds: UInt64, sequence: UInt64) {
    self.milliseconds = milliseconds
    self.sequence = sequence
  }

  /// Reads the usual form; nil for anything else, also for what Redis itself would complete (`123`, `$`).
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let milliseconds = Self.number(parts[0]), let sequence = Self.number(parts[1]) else {
      return nil
    }
    self.init(milliseconds: milliseconds, sequence: sequence)
  }

  /// Before every entry.
  public static let zero = EventID(milliseconds: 0, sequence: 0)

  /// The usual form.
  public var description: String { "\(milliseconds)-\(sequence)" }

  /// Earlier entries come first.
  public static func < (left: EventID, right: EventID) -> Bool {
    (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
  }

  /// Digits only: no sign, which `UInt64.init` would take.
  private static func number(_ text: some StringProtocol) -> UInt64? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt64(text) : nil
  }
}
