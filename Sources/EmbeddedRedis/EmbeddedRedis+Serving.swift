import Synchronization

/// A server of a data directory that answers.
///
/// Isolation: an immutable value.
public struct ServingRedis: Sendable, Hashable {
  /// How this process came by it.
  public enum Origin: String, Sendable, Hashable {
    /// This process started it, supervises it and stops it.
    case started
    /// A server whose node was killed: this process now supervises it and stops it.
    case adopted
    /// Another process supervises it.
    case attached
  }

  /// How this process came by it.
  public let origin: Origin
  /// The Unix socket it listens on.
  public let socketPath: String
  /// Its process id.
  public let processIdentifier: Int32
  /// Its version, when it said one.
  public let version: RedisServerVersion?

  /// What is known against this version, as a sentence; nil when nothing is. Asks dpkg, because Debian repairs packages
  /// without changing the version that the server says.
  public func knownVulnerabilities() async -> String? {
    guard let version else { return "the version of redis-server is unknown" }
    return version.warning(packageVersion: await RedisServerVersion.installedPackage())
  }

  /// What to type to look into it.
  public var redisCLICommand: String {
    let isPlain = socketPath.utf8.allSatisfy { byte in
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
        || UInt8(ascii: "-")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: "_")
    }
    return "redis-cli -s " + (isPlain ? socketPath : "'" + socketPath.replacing("'", with: #"'\''"#) + "'")
  }
}

/// Those who wait for the server, and what they wait for.
///
/// Isolation: a mutex; continuations are resumed after it is released.
final class ServingGate: Sendable {
  private struct State {
    var result: Result<ServingRedis, EmbeddedRedisError>?
    var waiting: [Int: CheckedContinuation<Result<ServingRedis, EmbeddedRedisError>, Never>] = [:]
    var nextWaiter = 0
  }

  private let state = Mutex(State())

  /// Tells everybody who waits, and everybody who asks later.
  func open(_ result: Result<ServingRedis, EmbeddedRedisError>) {
    let waiting = state.withLock { state in
      state.result = result
      defer { state.waiting = [:] }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume(returning: result) }
  }

  /// The current answer, or the first one to come; `stopped` when the task is cancelled.
  func wait() async throws(EmbeddedRedisError) -> ServingRedis {
    let waiter = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready: Result<ServingRedis, EmbeddedRedisError>? = state.withLock { state in
          if let result = state.result { return result }
          if Task.isCancelled { return .failure(.stoppedEarly) }
          state.waiting[waiter] = continuation
          return nil
        }
        if let ready { continuation.resume(returning: ready) }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume(returning: .failure(.stoppedEarly))
    }
    return try result.get()
  }
}

extension EmbeddedRedisError {
  static let stoppedEarly = EmbeddedRedisError(.stopped, "The private redis-server was stopped before it served.")
}
