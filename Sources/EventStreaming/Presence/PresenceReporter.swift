import Synchronization

/// Where presence is kept.
public protocol StreamPresence: Sendable {
  /// A participant's first stream on this node has opened, or the last one has gone. Calls for one participant never
  /// overlap. Failures are the receiver's to deal with: presence is a courtesy, and streams do not wait for it.
  func participant(_ participantID: String, of sessionID: String, isOnline: Bool) async
}

/// Sendable, a mutex inside: reports changes of presence in order, and not the ones that undo each other at once, such
/// as a page that reloads.
final class PresenceReporter: Sendable {
  private struct State {
    var isWanted: Bool
    var isReported = false
    var isRunning = false
  }

  private let presence: any StreamPresence
  private let work: StreamWork
  private let debounce: Duration
  /// One entry for each participant whose presence is being reported, or is reported as online.
  private let states = Mutex<[StreamRegistry.Key: State]>([:])

  init(presence: any StreamPresence, work: StreamWork, debounce: Duration) {
    self.presence = presence
    self.work = work
    self.debounce = debounce
  }

  /// The participant's first stream has opened, or the last one has gone.
  func report(_ key: StreamRegistry.Key, isOnline: Bool) {
    let starts = states.withLock { states in
      var state = states[key] ?? State(isWanted: isOnline)
      state.isWanted = isOnline
      let starts = !state.isRunning && state.isWanted != state.isReported
      if starts { state.isRunning = true }
      states[key] = state
      return starts
    }
    guard starts else { return }
    let runs = work.start { [self] in
      while let isOnline = await next(key) {
        await presence.participant(key.participantID, of: key.sessionID, isOnline: isOnline)
        states.withLock { $0[key]?.isReported = isOnline }
      }
    }
    // The node has stopped: the others' sweepers see to its presence.
    if !runs { states.withLock { $0[key] = nil } }
  }

  /// What to report next, or nil when there is nothing more. Going offline is believed only after a while.
  private func next(_ key: StreamRegistry.Key) async -> Bool? {
    let isLeaving = states.withLock { $0[key].map { !$0.isWanted && $0.isReported } ?? false }
    if isLeaving { try? await Task.sleep(for: debounce) }
    return states.withLock { states in
      guard let state = states[key] else { return nil }
      guard state.isWanted != state.isReported else {
        states[key] = state.isWanted ? State(isWanted: true, isReported: true) : nil
        return nil
      }
      return state.isWanted
    }
  }
}
