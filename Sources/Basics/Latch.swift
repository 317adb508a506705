import Synchronization

/// Something that happens once, and that any number of tasks wait for or act upon; safe to share, its state sits in a `Mutex`.
public final class Latch: Sendable {
  private struct State {
    var isSet = false
    var nextID = 0
    var actions: [Int: @Sendable () -> Void] = [:]
  }

  private let state = Mutex(State())

  /// A latch that is not set.
  public init() {}

  /// Whether it has happened.
  public var isSet: Bool { state.withLock { $0.isSet } }

  /// It happens now; once more does nothing.
  public func set() {
    let actions = state.withLock { state in
      state.isSet = true
      defer { state.actions = [:] }
      return Array(state.actions.values)
    }
    for action in actions { action() }
  }

  /// Runs an action when it happens, on whoever sets it; at once when it already has.
  ///
  /// - Returns: what takes the action back.
  public func whenSet(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
    let id = newID()
    guard add(action, id) else {
      action()
      return {}
    }
    return { [self] in _ = take(id) }
  }

  /// Returns when it has happened, or when the task is cancelled.
  public func wait() async {
    let id = newID()
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        if !add({ waiter.resume() }, id, unlessCancelled: true) { waiter.resume() }
      }
    } onCancel: {
      take(id)?()
    }
  }

  private func newID() -> Int {
    state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
  }

  /// - Returns: false when there is nothing to wait for.
  private func add(_ action: @escaping @Sendable () -> Void, _ id: Int, unlessCancelled: Bool = false) -> Bool {
    state.withLock { state in
      // Looked at under the lock: a cancellation before it has found nothing to take.
      if state.isSet || (unlessCancelled && Task.isCancelled) { return false }
      state.actions[id] = action
      return true
    }
  }

  private func take(_ id: Int) -> (@Sendable () -> Void)? {
    state.withLock { $0.actions.removeValue(forKey: id) }
  }
}
