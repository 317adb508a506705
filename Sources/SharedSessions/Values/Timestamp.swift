internal import Foundation

/// Times as the contract writes them. Pure functions, but for `now()`.
public enum Timestamp {
  /// RFC 3339 in UTC with milliseconds and `Z`; times before 1970 are written as its first moment.
  ///
  /// Every event that is read or heard needs one, so it is counted rather than formatted by a calendar (days to civil date after
  /// the Gregorian 400-year cycle).
  public static func rfc3339(milliseconds: Int) -> String {
    let milliseconds = max(0, milliseconds)
    let (days, rest) = (milliseconds / 86_400_000, milliseconds % 86_400_000)
    let day = days + 719_468
    let (era, dayOfEra) = (day / 146_097, day % 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return String(unsafeUninitializedCapacity: 32) { bytes in
      var count = 0
      func put(_ value: Int, digits: Int, then mark: Character) {
        var value = value
        for place in stride(from: digits - 1, through: 0, by: -1) {
          bytes[count + place] = UInt8(ascii: "0") + UInt8(value % 10)
          value /= 10
        }
        bytes[count + digits] = mark.asciiValue!
        count += digits + 1
      }
      put(year, digits: year > 9_999 ? 6 : 4, then: "-")
      put(month, digits: 2, then: "-")
      put(dayOfYear - (153 * shifted + 2) / 5 + 1, digits: 2, then: "T")
      put(rest / 3_600_000, digits: 2, then: ":")
      put(rest / 60_000 % 60, digits: 2, then: ":")
      put(rest / 1_000 % 60, digits: 2, then: ".")
      put(rest % 1_000, digits: 3, then: "Z")
      return count
    }
  }

  /// This machine's time; what a decision depends on is the time of Redis instead.
  public static func now() -> String { rfc3339(milliseconds: Int(Date().timeIntervalSince1970 * 1_000)) }
}
