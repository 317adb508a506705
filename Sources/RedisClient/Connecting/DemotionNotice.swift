internal import NIOCore
internal import Synchronization

/// Tells everybody who has connections to a server that it is not, or not yet, the primary any more.
///
/// After a failover nobody closes the connections to the old primary, which answers on as a replica. What one connection
/// finds out counts for all that were made before. Sendable: the listeners are behind a mutex.
final class DemotionNotice: Sendable {
  /// Gets the moment of the finding: connections made after it have been checked since.
  typealias Listener = @Sendable (_ found: NIODeadline, _ reason: RedisError) -> Void

  private let listeners = Mutex<[Listener]>([])

  /// Listens from now on.
  func addListener(_ listener: @escaping Listener) { listeners.withLock { $0.append(listener) } }

  /// A connection got such an answer.
  func post(_ found: NIODeadline, _ reason: RedisError) {
    for listener in listeners.withLock({ $0 }) { listener(found, reason) }
  }
}

extension RedisError {
  /// First words of error replies after which a connection is of no use, because another server is the primary or this one
  /// has begun to load its data anew.
  private static let demotions: Set<String> = ["READONLY", "LOADING", "MASTERDOWN"]

  /// Why a connection on which this reply came has to be replaced, or nil.
  static func demotion(_ reply: RedisValue) -> RedisError? {
    guard let message = reply.errorMessage else { return nil }
    let prefix = String(message.prefix { $0 != " " })
    guard demotions.contains(prefix) else { return nil }
    return RedisError(
      code: .unavailable, message: "Redis is not the primary, or not ready, any more: \(prefix).", mayHaveRun: false)
  }
}
