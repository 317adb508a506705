import Synchronization

/// One readiness probe at a time, whose outcome everybody gets who asks while it is under way. Sendable: a mutex
/// inside.
///
/// Anybody may ask whether a node is ready, and each probe writes to Redis: without this, asking often would be a way to
/// keep Redis busy.
final class SharedProbe: Sendable {
  private let running = Mutex<Task<Double, any Error>?>(nil)
  private let probe: @Sendable () async throws -> Double

  init(_ probe: @escaping @Sendable () async throws -> Double) {
    self.probe = probe
  }

  /// Waits for the probe that is under way, or for a new one.
  ///
  /// - Returns: what the probe returns.
  /// - Throws: what the probe throws.
  func run() async throws -> Double {
    let task = running.withLock { running in
      if let running { return running }
      let task = Task { [self] in
        defer { self.running.withLock { $0 = nil } }
        return try await probe()
      }
      running = task
      return task
    }
    return try await task.value
  }
}
