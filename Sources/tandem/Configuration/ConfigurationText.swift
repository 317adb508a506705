import Basics
import SharedSessions

/// Lengths of time as a person writes them.
///
/// Isolation: pure functions.
enum DurationText {
  private static let units: [(suffix: String, milliseconds: Double)] = [
    ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]

  /// `500ms`, `30s`, `10m`, `24h`, `30d`, or a plain number of seconds. Nil for anything else, also for what is
  /// negative, infinite or finer than a millisecond.
  static func parse(_ text: String) -> Duration? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let suffix = text[digits.endIndex...]
    guard let number = Double(digits), number.isFinite, digits.first != ".", digits.last != "." else { return nil }
    guard let unit = suffix.isEmpty ? units[1] : units.first(where: { $0.suffix == suffix }) else { return nil }
    let milliseconds = number * unit.milliseconds
    guard milliseconds <= 1e14, milliseconds == milliseconds.rounded() else { return nil }
    return .milliseconds(Int64(milliseconds))
  }

  /// The shortest spelling that ``parse(_:)`` reads back as the same time.
  static func format(_ duration: Duration) -> String {
    let milliseconds = duration.wholeMilliseconds
    for unit in units.reversed() where milliseconds != 0 {
      let size = Int64(unit.milliseconds)
      if milliseconds % size == 0 { return "\(milliseconds / size)\(unit.suffix)" }
    }
    return "0s"
  }
}

/// Numbers of bytes as a person writes them.
///
/// Isolation: pure functions.
enum ByteCountText {
  private static let units: [(suffix: String, bytes: Int)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]

  /// `4096`, `256KiB`, `1MiB`, `2GiB`. Nil for anything else.
  static func parse(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let suffix = text[digits.endIndex...]
    guard let number = Int(digits) else { return nil }
    if suffix.isEmpty { return number }
    guard let unit = units.first(where: { $0.suffix == suffix }) else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
    return overflow ? nil : product
  }

  /// The shortest spelling that ``parse(_:)`` reads back as the same number.
  static func format(_ count: Int) -> String {
    for unit in units.reversed() where count != 0 && count % unit.bytes == 0 {
      return "\(count / unit.bytes)\(unit.suffix)"
    }
    return String(count)
  }
}

/// Request rates as a person writes them.
///
/// Isolation: pure functions.
enum RateText {
  static let rule = TextRule("off, or a rate such as 50/s, 600/m or 10000/h") { text in
    text == "off" || parse(text) != nil
  }

  /// `50/s`, `600/m`, `10000/h`. Nil for anything else.
  static func parse(_ text: String) -> RequestRate? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(parts[0]),
      (1...1_000_000).contains(count)
    else { return nil }
    switch parts[1] {
    case "s": return RequestRate(count: count, interval: .seconds(1))
    case "m": return RequestRate(count: count, interval: .seconds(60))
    case "h": return RequestRate(count: count, interval: .seconds(3_600))
    default: return nil
    }
  }

  /// The spelling that ``parse(_:)`` reads back as the same rate.
  static func format(_ rate: RequestRate) -> String {
    let unit = rate.interval == .seconds(1) ? "s" : rate.interval == .seconds(60) ? "m" : "h"
    return "\(rate.count)/\(unit)"
  }
}
