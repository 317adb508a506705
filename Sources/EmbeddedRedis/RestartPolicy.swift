import Basics

/// How long to wait before the server is started again.
///
/// Isolation: a value owned by the supervising task.
struct RestartPolicy: Sendable {
  private let healthyAfter: Duration
  private var backoff: Backoff

  init(_ configuration: EmbeddedRedisConfiguration) {
    backoff = Backoff(first: configuration.firstRestartDelay, longest: configuration.longestRestartDelay)
    healthyAfter = configuration.healthyAfter
  }

  /// The pause after a server that ran for that long has ended.
  mutating func delay(afterRunning time: Duration) -> Duration {
    if time >= healthyAfter { backoff.reset() }
    // Nobody else waits for the same server, so there is nothing to spread.
    return backoff.next(jitter: 1)
  }
}
