public import NIOCore
public import RedisClient
public import SharedSessions

/// A session's events as Redis has them. A value.
public struct RedisEventReader: SessionEventReader {
  private let redis: RedisClient
  private let log: EventLog

  /// Reads the log with the domain's own reader and subscribes through the client.
  public init(redis: RedisClient, log: EventLog) {
    self.redis = redis
    self.log = log
  }

  /// Subscribes to the session's shard channel.
  ///
  /// - Throws: `SharedSessionError` with `unavailable` when Redis does not acknowledge it.
  public func subscribe(
    to sessionID: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws -> any EventSubscription {
    do throws(RedisError) {
      return try await redis.subscribe(to: log.channel(sessionID), onEvent: onEvent)
    } catch {
      throw SharedSessionError(.unavailable, retryAfter: 1)
    }
  }

  /// Reads a message of the session's channel.
  public func event(_ message: ByteBuffer, of sessionID: String) -> StoredEvent? {
    EventLog.parse(message, of: sessionID)
  }

  /// Where the log ends now.
  public func tail(of sessionID: String) async throws -> EventPosition {
    try await log.tail(sessionID)
  }

  /// A page of the log.
  public func page(of sessionID: String, after id: EventID, limit: Int) async throws -> EventPage {
    try await log.page(sessionID, after: id == .zero ? "earliest" : id.description, limit: limit)
  }
}
