/// How long to wait before the next attempt; a value that the one who retries owns.
///
/// The pauses double from `first` up to `longest`, each drawn evenly from its upper half: many bridges that lost the same
/// node must not come back in the same instant.
struct Backoff: Sendable {
  let first: Duration
  let longest: Duration
  private var failures = 0

  init(first: Duration = .milliseconds(100), longest: Duration = .seconds(5)) {
    self.first = first
    self.longest = longest
  }

  /// The next pause.
  mutating func next() -> Duration {
    // 2^20 times any first pause is beyond every longest one; more would overflow.
    let pause = min(first * (1 << min(failures, 20)), longest)
    failures += 1
    return pause * Double.random(in: 0.5...1)
  }

  /// It worked: the next failure starts from the beginning.
  mutating func reset() {
    failures = 0
  }
}
