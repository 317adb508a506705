internal import NIOCore
internal import Synchronization

/// Tells everybody who has connections to a server that it is not, or not yet, the primary any more, or that another server is.
///
/// After a failover nobody closes the connections to the old primary, which answers on as a replica. What one connection
/// finds out counts for all that were made before. Sendable: the listeners are behind a mutex.
final class DemotionNotice: Sendable {
  /// What was found.
  enum Finding: Sendable {
    /// The server is not the primary: connections made until then are of no use; later ones have been checked since.
    case demoted(at: NIODeadline, RedisError)
    /// The place leads to another server now, which is to be connected to at once.
    case moved(RedisError)
  }

  typealias Listener = @Sendable (Finding) -> Void

  private let listeners = Mutex<[Listener]>([])

  /// Listens from now on.
  func addListener(_ listener: @escaping Listener) { listeners.withLock { $0.append(listener) } }

  /// Tells everybody.
  func post(_ finding: Finding) {
    for listener in listeners.withLock({ $0 }) { listener(finding) }
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
