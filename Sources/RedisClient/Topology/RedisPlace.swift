internal import NIOCore
internal import Synchronization

/// Where a server is now. Sendable: behind a mutex.
///
/// One server stays where it is; the primary of a group with Sentinels moves. Connections look here each time they are made.
final class RedisPlace: Sendable {
  /// Why nobody knows where the server is, or where.
  private let state: Mutex<Result<RedisEndpoint, RedisError>>

  /// A server that stays where it is.
  init(_ endpoint: RedisEndpoint) { state = Mutex(.success(endpoint)) }

  /// A server that is not found yet.
  init(unknown: String) { state = Mutex(.failure(.unusable(unknown))) }

  /// Where it is, or nil while nobody knows.
  var endpoint: RedisEndpoint? { try? state.withLock { $0 }.get() }

  /// Where it is.
  ///
  /// - Throws: why nobody knows.
  func find() throws(RedisError) -> RedisEndpoint { try state.withLock { $0 }.get() }

  /// It is there from now on.
  func move(to endpoint: RedisEndpoint) { state.withLock { $0 = .success(endpoint) } }

  /// Says why it is not found, as long as it never was.
  func explain(_ reason: String) {
    state.withLock { state in
      if case .failure = state { state = .failure(.unusable(reason)) }
    }
  }
}

extension RedisPlace: CustomStringConvertible {
  /// The address for logs and errors.
  var description: String { endpoint.map { "\($0)" } ?? "an address that is not known yet" }
}
