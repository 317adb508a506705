import Basics

extension Duration {
  /// The length as a person says it, in the largest unit that leaves no rest: `5 minutes`, `90 seconds`, `1 day`.
  var inWords: String {
    let milliseconds = wholeMilliseconds
    for (name, length) in [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)]
      as [(String, Int64)]
    where milliseconds >= length && milliseconds % length == 0 {
      return Self.counted(milliseconds / length, name)
    }
    return Self.counted(milliseconds, "millisecond")
  }

  private static func counted(_ number: Int64, _ name: String) -> String {
    "\(number) \(name)\(number == 1 ? "" : "s")"
  }
}
