internal import Basics
internal import Logging
internal import Observability
internal import RedisClient

/// How many requests are taken in a time, over all nodes. A value.
public struct RequestRate: Sendable, Hashable {
  /// Requests.
  public var count: Int
  /// The time they are counted over; also how many may come at once: all of a period's requests.
  public var interval: Duration

  /// A rate; both must be positive.
  public init(count: Int, interval: Duration) {
    self.count = count
    self.interval = interval
  }
}

/// Takes requests against rates that all nodes share. A value.
public struct RateLimiter: Sendable {
  let runner: ScriptRunner

  /// Takes one request of a caller.
  ///
  /// When Redis does not answer the request passes: a limiter that fails must not be what makes the service fail.
  ///
  /// - Parameters:
  ///   - kind: what is limited, such as `participant` or `address`; part of the key.
  ///   - caller: whose rate it is; only its digest is part of the key.
  /// - Throws: `RATE_LIMITED` with `retryAfter`.
  public func take(_ kind: String, caller: String, rate: RequestRate) async throws(SharedSessionError) {
    let interval = max(1, rate.interval.wholeMilliseconds * 1_000)
    let outcome: ScriptOutcome
    do {
      outcome = try await runner.single(
        ScriptLibrary.rateTake, runner.keys.rate(kind, Secrets.digest(caller)),
        ["cost": .integer(Int(interval) / max(1, rate.count)), "burst": .integer(Int(interval))])
    } catch {
      runner.logger.debug("rate could not be checked", metadata: [LogKey.error: .string(error.message)])
      return
    }
    if case .refused("limited", let detail) = outcome {
      throw SharedSessionError(.rateLimited, retryAfter: detail.first.flatMap(Int.init) ?? 1)
    }
  }
}
