internal import Foundation

/// Times as the contract writes them. Pure functions, but for `now()`.
public enum Timestamp {
  /// RFC 3339 in UTC with milliseconds and `Z`.
  public static func rfc3339(milliseconds: Int) -> String {
    Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
      .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }

  /// This machine's time; what a decision depends on is the time of Redis instead.
  public static func now() -> String { rfc3339(milliseconds: Int(Date().timeIntervalSince1970 * 1_000)) }
}
