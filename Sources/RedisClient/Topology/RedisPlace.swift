internal import NIOCore
internal import Synchronization

/// Where a server is now. Sendable: behind a mutex.
///
/// One server stays where it is; the primary of a group with Sentinels moves. Connections look here each time they are made.
final class RedisPlace: Sendable {
  private struct State {
    /// Why nobody knows where the server is, or where.
    var endpoint: Result<RedisEndpoint, RedisError>
    var replicas: KnownReplicas
  }

  private let state: Mutex<State>

  /// A server that stays where it is.
  ///
  /// - Parameter source: who tells how many replicas it has.
  init(_ endpoint: RedisEndpoint, replicas source: KnownReplicas.Source = .witnesses) {
    state = Mutex(State(endpoint: .success(endpoint), replicas: KnownReplicas(from: source)))
  }

  /// A server that is not found yet.
  init(unknown: String) {
    state = Mutex(State(endpoint: .failure(.unusable(unknown)), replicas: KnownReplicas(from: .witnesses)))
  }

  /// Where it is, or nil while nobody knows.
  var endpoint: RedisEndpoint? { try? state.withLock { $0.endpoint }.get() }

  /// The replicas of the server that is there now. What is told of its successor's does not change them: commands on
  /// their way to a server that is being replaced need as many of them as before.
  var replicas: KnownReplicas { state.withLock { $0.replicas } }

  /// Where it is.
  ///
  /// - Throws: why nobody knows.
  func find() throws(RedisError) -> RedisEndpoint { try state.withLock { $0.endpoint }.get() }

  /// Another server is the one from now on.
  func move(to endpoint: RedisEndpoint) {
    state.withLock { $0 = State(endpoint: .success(endpoint), replicas: KnownReplicas(from: .witnesses)) }
  }

  /// Says why it is not found, as long as it never was.
  func explain(_ reason: String) {
    state.withLock { state in
      if case .failure = state.endpoint { state.endpoint = .failure(.unusable(reason)) }
    }
  }
}

extension RedisPlace: CustomStringConvertible {
  /// The address for logs and errors.
  var description: String { endpoint.map { "\($0)" } ?? "an address that is not known yet" }
}
