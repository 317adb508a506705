import Basics
import Synchronization

/// Reports how many streams each participant has on this node, one report at a time for each of them, always the
/// newest number, and until it is kept. Sendable: a mutex inside.
///
/// A participant whose last stream has gone is reported with none at once, so that they may open another anywhere, and as
/// gone only after a while: pages reload and connections move. Bounded by the streams of the node and those that have ended
/// within that while.
final class PresenceReporter: Sendable {
  private struct State {
    /// Something has changed since the number was last read.
    var isDirty = true
    /// What is kept of them, as far as is known; nil: nothing.
    var reported: Int?
    var isRunning = false
    /// Ends the pause that is being made; nil while none is.
    var pause: Latch?

    func step(open: Int, hasLingered: Bool) -> Step {
      guard open == 0 else { return reported == open ? .done : .report(open) }
      switch reported {
      case nil: return .done
      case 0: return hasLingered ? .report(nil) : .linger
      default: return .report(0)
      }
    }
  }

  /// What to do next for a participant.
  private enum Step: Equatable {
    case report(Int?)
    case linger
    case done
  }

  private let presence: any StreamPresence
  private let work: StreamWork
  private let debounce: Duration
  private let count: @Sendable (StreamRegistry.Key) -> Int
  /// One entry for each participant who has streams, or of whom something else is kept.
  private let states = Mutex<[StreamRegistry.Key: State]>([:])

  /// - Parameter count: how many streams of a participant are open now.
  init(
    presence: any StreamPresence, work: StreamWork, debounce: Duration,
    count: @escaping @Sendable (StreamRegistry.Key) -> Int
  ) {
    self.presence = presence
    self.work = work
    self.debounce = debounce
    self.count = count
  }

  /// A stream of the participant has opened or ended.
  func changed(_ key: StreamRegistry.Key) {
    let (starts, pause) = states.withLock { states in
      var state = states[key] ?? State()
      state.isDirty = true
      let (starts, pause) = (!state.isRunning, state.pause)
      state.isRunning = true
      states[key] = state
      return (starts, pause)
    }
    pause?.set()
    guard starts else { return }
    let runs = work.start { [self] in await report(key) }
    // The node has stopped: the others' sweepers see to its presence.
    if !runs { states.withLock { $0[key] = nil } }
  }

  private func report(_ key: StreamRegistry.Key) async {
    var backoff = Backoff(longest: .seconds(30))
    var hasLingered = false
    while !Task.isCancelled {
      switch next(key, hasLingered: hasLingered) {
      case .done: return
      case .linger: hasLingered = await sleep(debounce, key)
      case .report(let streams):
        hasLingered = false
        if await presence.participant(key.participantID, of: key.sessionID, hasStreams: streams) {
          states.withLock { $0[key]?.reported = streams }
          backoff.reset()
        } else {
          // Nobody else would set it right while this node lives. A change is no reason to hurry.
          try? await Task.sleep(for: backoff.next())
        }
      }
    }
    states.withLock { $0[key] = nil }
  }

  private func next(_ key: StreamRegistry.Key, hasLingered: Bool) -> Step {
    while true {
      states.withLock { $0[key]?.isDirty = false }
      // Read after that: whatever changes from here on makes it dirty again.
      let open = count(key)
      let step: Step? = states.withLock { states in
        guard var state = states[key] else { return .done }
        let step = state.step(open: open, hasLingered: hasLingered)
        guard step == .done else { return step }
        guard !state.isDirty else { return nil }
        state.isRunning = false
        states[key] = open > 0 ? state : nil
        return .done
      }
      if let step { return step }
    }
  }

  /// Waits, but no longer than until something changes.
  ///
  /// - Returns: whether nothing has changed.
  private func sleep(_ time: Duration, _ key: StreamRegistry.Key) async -> Bool {
    let pause = Latch()
    let isDirty = states.withLock { states in
      states[key]?.pause = pause
      return states[key]?.isDirty ?? false
    }
    if isDirty { pause.set() }
    await withDiscardingTaskGroup { group in
      group.addTask {
        try? await Task.sleep(for: time)
        pause.set()
      }
      await pause.wait()
      group.cancelAll()
    }
    return states.withLock { states in
      states[key]?.pause = nil
      return !(states[key]?.isDirty ?? false)
    }
  }
}
