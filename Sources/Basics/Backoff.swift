/// How long to wait before the next attempt; a value that the one who retries owns.
///
/// The pauses double from `first` up to `longest`, each drawn evenly from its upper half: many clients that lost the same
/// server must not come back in the same instant.
public struct Backoff: Sendable, Hashable {
  /// The first pause.
  public let first: Duration
  /// The longest pause.
  public let longest: Duration
  private var failures = 0

  /// A backoff before its first failure.
  public init(first: Duration = .milliseconds(100), longest: Duration = .seconds(5)) {
    self.first = first
    self.longest = longest
  }

  /// The next pause.
  ///
  /// - Parameter jitter: a number from 0 to 1 that chooses between half of the pause and all of it.
  public mutating func next(jitter: Double = .random(in: 0...1)) -> Duration {
    // 2^20 times any first pause is beyond every longest one; more would overflow.
    let pause = min(first * (1 << failures), longest)
    failures = min(failures + 1, 20)
    return pause / 2 + (pause - pause / 2) * jitter
  }

  /// It worked: the next failure starts from the beginning.
  public mutating func reset() {
    failures = 0
  }
}
