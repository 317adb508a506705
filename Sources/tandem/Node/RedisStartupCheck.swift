import EmbeddedRedis
import Logging
import Observability
import RedisClient
import SharedSessions

/// Waits until Redis can be used, or says why it cannot.
///
/// Isolation: immutable.
struct RedisStartupCheck: Sendable {
  let embedded: EmbeddedRedis?
  let redis: RedisClient
  let logger: Logger
  /// What must hold, too, before anybody is served: that this program can read what Redis holds.
  var layout: @Sendable () async throws -> Void = {}
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

  /// Waits for a write, a read and a message to come through, tells how to look into the private server, and checks the
  /// layout of what Redis holds.
  ///
  /// - Throws: `EmbeddedRedisError`, or `StartupError` with the last reason; `CancellationError` when cancelled.
  func waitForAnswers() async throws {
    try await waitForServer()
    if let serving = try await embedded?.waitUntilServing() {
      logger.notice("look into the data with redis-cli", metadata: [LogKey.redisInspect: "\(serving.redisCLICommand)"])
      if let warning = await serving.knownVulnerabilities() {
        logger.warning("redis-server should be updated", metadata: [LogKey.error: "\(warning)"])
      }
    }
    let deadline = ContinuousClock.now + patience
    var isTold = false
    while true {
      do {
        let health = try await redis.probe(within: .seconds(2))
        if try await isLayoutKnown(isPartial: !health.failures.isEmpty, isLate: ContinuousClock.now >= deadline) {
          return
        }
        if !isTold {
          isTold = true
          logger.warning(
            "waiting for the part of Redis that holds the layout of the data",
            metadata: [LogKey.error: "\(health.failures.first ?? "no answer")"])
        }
        try await Task.sleep(for: .milliseconds(500))
      } catch let error as RedisError {
        try Task.checkCancellation()
        // A refusal stays one, however often one asks.
        let isRefusal = Self.refusals.contains { error.message.contains($0) }
        if isRefusal || ContinuousClock.now >= deadline {
          throw StartupError(
            status: ExitStatus.unavailable,
            message: "Redis at \(redis.configuration) cannot be used: \(error.message)")
        }
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }

  /// Checks the layout.
  ///
  /// - Parameters:
  ///   - isPartial: whether a part of Redis is gone: then what it may hold is waited for, however long that takes.
  ///   - isLate: whether the time for everything else is over.
  /// - Returns: false when that part is needed.
  /// - Throws: `StartupError` when this program cannot read what Redis holds, or when Redis does not say.
  private func isLayoutKnown(isPartial: Bool, isLate: Bool) async throws -> Bool {
    do {
      try await layout()
      return true
    } catch let error as SharedSessionError {
      let isPassing = error.code == .unavailable || error.code == .outcomeUnknown
      guard isPassing, isPartial || !isLate else {
        throw StartupError(layout: error, redis: "\(redis.configuration)")
      }
      return false
    }
  }

  private static let refusals = ["WRONGPASS", "NOAUTH", "NOPERM", "DENIED"]
}
