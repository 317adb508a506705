/// How long to wait before the server is started again.
///
/// Isolation: a value owned by the supervising task.
struct RestartPolicy: Sendable {
  private let first: Duration
  private let longest: Duration
  private let healthyAfter: Duration
  private var failures = 0

  init(_ configuration: EmbeddedRedisConfiguration) {
    first = configuration.firstRestartDelay
    longest = configuration.longestRestartDelay
    healthyAfter = configuration.healthyAfter
  }

  /// The pause after a server that ran for that long has ended.
  mutating func delay(afterRunning time: Duration) -> Duration {
    if time >= healthyAfter { failures = 0 }
    var delay = first
    for _ in 0..<failures where delay < longest { delay = min(delay * 2, longest) }
    failures += 1
    return delay
  }
}
