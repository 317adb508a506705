import Synchronization
import TestSupport
import Testing

@testable import EventStreaming

/// What a node has told of who has how many streams, in order, with the faults of a real store. Sendable: behind a mutex.
final class RecordedPresence: StreamPresence {
  private struct State {
    var changes: [String] = []
    var refusals = 0
    var living: Set<String>? = []
    var questions = 0
    var holds = false
    var held: CheckedContinuation<Void, Never>?
  }

  /// Thrown when it cannot be found out which nodes live. A value.
  struct Down: Error {}

  private let state = Mutex(State())

  /// `participant streams`, `participant gone`, and ` refused` behind what was not kept.
  var changes: [String] { state.withLock { $0.changes } }
  /// How often it was asked which nodes live.
  var questions: Int { state.withLock { $0.questions } }
  /// Whether somebody waits until what they tell is taken.
  var isHolding: Bool { state.withLock { $0.held != nil } }

  /// The nodes that live; nil: that cannot be found out.
  func setLiving(_ nodes: Set<String>?) { state.withLock { $0.living = nodes } }
  /// The next reports are not kept.
  func refuse(_ count: Int) { state.withLock { $0.refusals = count } }
  /// The next report waits.
  func hold() { state.withLock { $0.holds = true } }
  /// It waits no longer.
  func letGo() {
    state.withLock { state in
      defer { state.held = nil }
      return state.held
    }?.resume()
  }

  func participant(_ participantID: String, of sessionID: String, hasStreams streams: Int?) async -> Bool {
    await withCheckedContinuation { continuation in
      let goesOn = state.withLock { state in
        guard state.holds else { return true }
        state.holds = false
        state.held = continuation
        return false
      }
      if goesOn { continuation.resume() }
    }
    return state.withLock { state in
      let isKept = state.refusals == 0
      if !isKept { state.refusals -= 1 }
      state.changes.append("\(participantID) \(streams.map(String.init) ?? "gone")\(isKept ? "" : " refused")")
      return isKept
    }
  }

  func living(_ byNode: [String: Int]) async throws -> Int {
    try state.withLock { state in
      state.questions += 1
      guard let living = state.living else { throw Down() }
      return byNode.reduce(0) { living.contains($1.key) ? $0 + $1.value : $0 }
    }
  }

  func expect(_ changes: [String]) async throws {
    try await eventually("\(changes)") { self.changes.count >= changes.count }
    #expect(self.changes == changes)
  }
}
