import Synchronization
import TestSupport
import Testing

@testable import EventStreaming

/// What a node tells of who has how many streams on it.
@Suite struct PresenceReporterTests {
  /// How many streams are open. Sendable: behind a mutex.
  private final class Count: Sendable {
    let now = Mutex(0)
  }

  @Test func everyNumberIsToldAndGoneOnlyAfterAWhile() async throws {
    try await withNode { node in
      let one = try await node.open()
      try await node.presence.expect(["p 1"])
      let two = try await node.open()
      try await node.presence.expect(["p 1", "p 2"])
      try await one.close()
      try await node.presence.expect(["p 1", "p 2", "p 1"])
      try await two.close()
      try await node.presence.expect(["p 1", "p 2", "p 1", "p 0", "p gone"])
    }
  }

  @Test func aPageThatReloadsNeverGoesOffline() async throws {
    try await withNode({ $0.presenceDebounce = .seconds(300) }) { node in
      let one = try await node.open()
      try await node.presence.expect(["p 1"])
      try await one.close()
      try await node.presence.expect(["p 1", "p 0"])
      _ = try await node.open()
      try await node.presence.expect(["p 1", "p 0", "p 1"])
    }
  }

  @Test func whileOneIsToldOnlyTheNewestWaits() async throws {
    try await withNode { node in
      node.presence.hold()
      let first = try await node.open()
      try await eventually("the first is being told") { node.presence.isHolding }
      for _ in 0..<5 { _ = try await node.open() }
      try await first.close()
      node.presence.letGo()
      try await node.presence.expect(["p 1", "p 5"])
    }
  }

  @Test func whatCouldNotBeKeptIsToldAgain() async throws {
    try await withNode { node in
      node.presence.refuse(2)
      _ = try await node.open()
      try await node.presence.expect(["p 1 refused", "p 1 refused", "p 1"])
    }
  }

  @Test func aStreamThatWasGoneBeforeItWasToldIsNotTold() async throws {
    let (work, told) = (StreamWork(), RecordedPresence())
    let reporter = PresenceReporter(presence: told, work: work, debounce: .zero) { _ in 0 }
    reporter.changed(StreamRegistry.Key(sessionID: "s", participantID: "p"))
    let running = Task { await work.run() }
    let others = PresenceReporter(presence: told, work: work, debounce: .zero) { _ in 1 }
    others.changed(StreamRegistry.Key(sessionID: "s", participantID: "q"))
    try await told.expect(["q 1"])
    running.cancel()
    await running.value
    #expect(told.changes == ["q 1"])
  }

  /// However openings and closings fall, the last that is told is what is so.
  @Test(arguments: 1...20) func theLastNumberToldIsTheLast(seed: UInt64) async throws {
    let (work, told) = (StreamWork(), RecordedPresence())
    let open = Count()
    let reporter = PresenceReporter(presence: told, work: work, debounce: .microseconds(50)) { _ in
      open.now.withLock { $0 }
    }
    let key = StreamRegistry.Key(sessionID: "s", participantID: "p")
    let running = Task { await work.run() }
    var numbers = SeededGenerator(seed: seed)
    let turns = (0..<4).map { _ in (0..<25).map { _ in Int.random(in: 0...3, using: &numbers) } }
    await withDiscardingTaskGroup { group in
      for turn in turns {
        group.addTask {
          for count in turn {
            open.now.withLock { $0 = count }
            reporter.changed(key)
            if count == 0 { await Task.yield() }
          }
        }
      }
    }
    let last = open.now.withLock { $0 }
    try await eventually("the last is told") {
      last == 0 ? ["p gone", nil].contains(told.changes.last) : told.changes.last == "p \(last)"
    }
    running.cancel()
    await running.value
  }
}
