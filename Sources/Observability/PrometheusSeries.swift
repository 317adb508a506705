import Synchronization

/// What a metric measures.
enum PrometheusKind: String, Sendable {
  case counter, gauge, histogram
}

/// One series: a number, or a histogram.
///
/// Isolation: a mutex around the value.
final class PrometheusSeries: Sendable {
  /// A copy of the value.
  enum Snapshot: Sendable, Equatable {
    case counter(UInt64)
    case gauge(Double)
    /// Counts per bucket (not yet summed up, the last one for what is beyond every bound), and the sum of the values.
    case histogram(bounds: [Double], counts: [UInt64], sum: Double)
  }

  private let value: Mutex<Snapshot>

  init(kind: PrometheusKind, buckets: [Double]) {
    switch kind {
    case .counter: value = Mutex(.counter(0))
    case .gauge: value = Mutex(.gauge(0))
    case .histogram:
      value = Mutex(.histogram(bounds: buckets, counts: Array(repeating: 0, count: buckets.count + 1), sum: 0))
    }
  }

  func snapshot() -> Snapshot { value.withLock { $0 } }

  /// Adds to a counter; it stays at the largest number rather than starting again at zero.
  func increment(by amount: Int64) {
    guard amount > 0 else { return }
    value.withLock { value in
      guard case .counter(let count) = value else { return }
      let (sum, overflow) = count.addingReportingOverflow(UInt64(amount))
      value = .counter(overflow ? .max : sum)
    }
  }

  func set(_ number: Double) {
    value.withLock { if case .gauge = $0 { $0 = .gauge(number) } }
  }

  func add(_ number: Double) {
    value.withLock { if case .gauge(let old) = $0 { $0 = .gauge(old + number) } }
  }

  func observe(_ number: Double) {
    guard !number.isNaN else { return }
    value.withLock { value in
      guard case .histogram(let bounds, var counts, let sum) = value else { return }
      // Leave the only reference to the array to the copy, so that counting does not duplicate it.
      value = .gauge(0)
      counts[bounds.firstIndex { number <= $0 } ?? bounds.count] += 1
      value = .histogram(bounds: bounds, counts: counts, sum: sum + number)
    }
  }

  /// Starts again at zero.
  func reset() {
    value.withLock { value in
      switch value {
      case .counter: value = .counter(0)
      case .gauge: value = .gauge(0)
      case .histogram(let bounds, let counts, _):
        value = .histogram(bounds: bounds, counts: counts.map { _ in 0 }, sum: 0)
      }
    }
  }
}
