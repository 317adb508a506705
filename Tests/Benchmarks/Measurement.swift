import Foundation

/// What a stretch of work took. A value.
struct Measurement {
  let count: Int
  let seconds: Double
  /// CPU time of this process, user and system.
  let secondsOfCPU: Double

  var perSecond: Double { Double(count) / seconds }
  var microsecondsOfCPU: Double { secondsOfCPU * 1e6 / Double(max(count, 1)) }

  /// Runs `body`, which returns how many operations it did.
  static func take(_ body: () async throws -> Int) async throws -> Measurement {
    let start = ContinuousClock.now
    let startOfCPU = cpuSeconds()
    let count = try await body()
    let elapsed = start.duration(to: .now)
    return Measurement(
      count: count, seconds: Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18,
      secondsOfCPU: cpuSeconds() - startOfCPU)
  }

  private static func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// Prints results in columns. A namespace.
enum Table {
  static func row(_ cells: [String]) -> String {
    cells.map { String(repeating: " ", count: max(16 - $0.count, 1)) + $0 }.joined()
  }

  static func decimal(_ number: Double) -> String { String(format: "%.2f", number) }
}
