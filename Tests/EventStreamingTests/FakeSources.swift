import NIOCore
import RedisClient
import SharedSessions
import Synchronization

@testable import EventStreaming

/// A source for each of several sessions. Sendable: the sources are made once, the count is behind a mutex.
final class FakeSources: SessionEventReader {
  private let sources: [String: FakeSource]
  private let reading = Mutex((now: 0, most: 0))

  init(_ sessionIDs: [String]) {
    sources = Dictionary(uniqueKeysWithValues: sessionIDs.map { ($0, FakeSource()) })
  }

  /// The source of a session.
  subscript(sessionID: String) -> FakeSource {
    guard let source = sources[sessionID] else { preconditionFailure("No source for \(sessionID)") }
    return source
  }

  /// The most pages that were being read at a time.
  var mostPagesAtOnce: Int { reading.withLock { $0.most } }

  func subscribe(
    to sessionID: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws -> any EventSubscription {
    try await self[sessionID].subscribe(to: sessionID, onEvent: onEvent)
  }

  func event(_ message: ByteBuffer, of sessionID: String) -> StoredEvent? {
    self[sessionID].event(message, of: sessionID)
  }

  func tail(of sessionID: String) async throws -> EventPosition {
    try await self[sessionID].tail(of: sessionID)
  }

  func page(of sessionID: String, after id: EventID, limit: Int) async throws -> EventPage {
    reading.withLock {
      $0.now += 1
      $0.most = max($0.most, $0.now)
    }
    defer { reading.withLock { $0.now -= 1 } }
    // Gives others the chance to be caught reading at the same time.
    await Task.yield()
    return try await self[sessionID].page(of: sessionID, after: id, limit: limit)
  }
}
