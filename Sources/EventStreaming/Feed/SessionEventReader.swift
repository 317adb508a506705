public import NIOCore
public import RedisClient
public import SharedSessions

/// Where a session's events come from: the subscription that is fast, and the stream that is complete.
public protocol SessionEventReader: Sendable {
  /// Subscribes to a session's live events and returns once nothing published later can be missed.
  ///
  /// - Parameter onEvent: called in order, on any thread; must not block.
  func subscribe(
    to sessionID: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws -> any EventSubscription

  /// Reads a message of a session's subscription; nil for anything that is none.
  func event(_ message: ByteBuffer, of sessionID: String) -> StoredEvent?

  /// Where a session's stream ends now.
  func tail(of sessionID: String) async throws -> EventPosition

  /// Events of a session after one of them, oldest first; after `EventID.zero` all that are kept. A page is bounded in
  /// bytes too, but holds one event at least when there is one.
  ///
  /// - Parameter limit: how many at most.
  func page(of sessionID: String, after id: EventID, limit: Int) async throws -> EventPage
}

/// A hold on a session's live events.
public protocol EventSubscription: Sendable {
  /// Gives the hold back; more than once does nothing.
  func cancel()
}

extension RedisSubscription: EventSubscription {}
