import EmbeddedRedis
import Logging
import Observability
import RedisClient

/// Waits until Redis can be used, or says why it cannot.
///
/// Isolation: immutable.
struct StartOfRedis: Sendable {
  let embedded: EmbeddedRedis?
  let redis: RedisClient
  let logger: Logger
  /// How long a Redis may take to answer at start. Later outages only turn readiness red.
  var patience: Duration = .seconds(10)

  /// Waits for the private redis-server, when there is one.
  ///
  /// - Throws: `EmbeddedRedisError`; `CancellationError` when cancelled.
  func waitForServer() async throws {
    guard let embedded else { return }
    do {
      _ = try await embedded.waitUntilServing()
    } catch {
      try Task.checkCancellation()
      throw error
    }
  }

  /// Waits for a write, a read and a message to come through, and tells how to look into the private server.
  ///
  /// - Throws: `EmbeddedRedisError`, or `NodeError` with the last reason; `CancellationError` when cancelled.
  func waitForAnswers() async throws {
    try await waitForServer()
    if let serving = try await embedded?.waitUntilServing() {
      logger.notice("look into the data with redis-cli", metadata: [LogKey.inspect: "\(serving.redisCLICommand)"])
      if let warning = await serving.knownHoles() {
        logger.warning("redis-server should be updated", metadata: [LogKey.error: "\(warning)"])
      }
    }
    let deadline = ContinuousClock.now + patience
    while true {
      do {
        try await redis.probe(within: .seconds(2))
        return
      } catch {
        try Task.checkCancellation()
        // A refusal stays one, however often one asks.
        let isRefusal = Self.refusals.contains { error.message.contains($0) }
        if isRefusal || ContinuousClock.now >= deadline {
          throw NodeError(
            status: ExitStatus.unavailable,
            message: "Redis at \(redis.configuration) cannot be used: \(error.message)")
        }
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }

  private static let refusals = ["WRONGPASS", "NOAUTH", "NOPERM", "DENIED"]
}
