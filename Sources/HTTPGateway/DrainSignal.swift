import Synchronization

/// Sendable, a mutex inside: tells responses without an end of their own that the node is shutting down.
final class DrainSignal: Sendable {
  private struct State {
    var isFired = false
    var nextID = 0
    var actions: [Int: @Sendable () -> Void] = [:]
  }

  private let state = Mutex(State())

  var isFired: Bool { state.withLock { $0.isFired } }

  /// Runs an action when the node drains; at once when it already does.
  ///
  /// - Returns: what takes the action back.
  func whenFired(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
    let id: Int? = state.withLock { state in
      guard !state.isFired else { return nil }
      state.nextID += 1
      state.actions[state.nextID] = action
      return state.nextID
    }
    guard let id else {
      action()
      return {}
    }
    return { [self] in _ = state.withLock { $0.actions.removeValue(forKey: id) } }
  }

  func fire() {
    let actions = state.withLock { state in
      state.isFired = true
      defer { state.actions = [:] }
      return Array(state.actions.values)
    }
    for action in actions { action() }
  }
}
