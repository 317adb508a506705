import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// The end of a session at its bounds: it has ended at once for every call, and what is open in it ends in bounded steps.
@Suite struct EndStepsTests {
  @Test func aFullSessionEndsInStepsOfBoundedWork() async throws {
    try await withTurn { turn in
      let (world, shared) = (turn.world, turn.shared)
      for _ in 0..<100 { _ = try await turn.ask() }
      let authors = [
        try await world.join(shared, "a"), try await world.join(shared, "b"), try await world.join(shared, "c"),
        try await world.join(shared, "d"),
      ]
      let text = String(repeating: "x", count: 3_000)
      for _ in 0..<50 { _ = try await world.prompt(shared, shared.host, text) }
      for author in authors {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
          for _ in 0..<237 { tasks.addTask { _ = try await world.prompt(shared, author, text) } }
          try await tasks.waitForAll()
        }
      }
      let waiting = 100 + 50 + 4 * 237
      var before = try await world.number(shared.id, "seq")
      let most = SharedSessionSettings.endStepCount
      let ended = try await world.two.sessions.runner.session(
        ScriptLibrary.sessionEnd, shared.id, as: .participant(shared.host), ["cause": "close"]
      ).parts(atLeast: 6)
      #expect(try ended.text(3) == "false")
      // Nothing of it is left for any call, whatever of it still waits to be told.
      for call in world.calls(shared, as: authors[0]) {
        #expect(try await code(call.make) == .sessionInactive, "\(call.route)")
      }
      var (steps, isDone) = (1, false)
      while !isDone, steps <= waiting {
        let now = try await world.number(shared.id, "seq")
        #expect(now - before <= most + 1, "step \(steps) wrote \(now - before) events")
        #expect(now > before, "step \(steps) did nothing")
        before = now
        isDone =
          try await world.one.sessions.runner.session(ScriptLibrary.sessionEndStep, shared.id).parts(atLeast: 2).text(0)
          == "true"
        steps += 1
      }
      #expect(isDone && steps <= waiting / most + 2, "\(steps) steps")
      try await expectEnd(of: shared, in: world, expired: 4 * 237, failed: 50, withdrawn: 100)
      // A step more changes nothing.
      let last = try await world.number(shared.id, "seq")
      _ = try await world.one.sessions.runner.session(ScriptLibrary.sessionEndStep, shared.id).parts()
      #expect(try await world.number(shared.id, "seq") == last)
      // The turn that ran is still recorded to its end.
      try await turn.bridge.report(turn.dispatch, .completed)
      #expect(try await world.lastType(shared.id) == "prompt_dispatch_completed")
    }
  }

  @Test func aStepIsBoundedInBytesToo() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let text = String(repeating: "x", count: 300_000)
      for _ in 0..<20 { _ = try await world.prompt(shared, carl, text) }
      var before = try await world.number(shared.id, "eventBytes")
      _ = try await world.two.sessions.runner.session(
        ScriptLibrary.sessionEnd, shared.id, as: .participant(shared.host), ["cause": "close"]
      ).parts()
      var (steps, isDone) = (0, false)
      while !isDone, steps < 20 {
        let now = try await world.number(shared.id, "eventBytes")
        #expect(now - before < SharedSessionSettings.endStepBytes + 310_000, "a step wrote \(now - before) bytes")
        before = now
        isDone =
          try await world.one.sessions.runner.session(ScriptLibrary.sessionEndStep, shared.id).parts(atLeast: 2).text(0)
          == "true"
        steps += 1
      }
      #expect(isDone && (4...6).contains(steps), "\(steps) steps")
      try await expectEnd(of: shared, in: world, expired: 20, failed: 0, withdrawn: 0)
    }
  }

  @Test func aSweeperGoesOnWithAnEndThatANodeHasLeft() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      for _ in 0..<120 { _ = try await world.prompt(shared, carl) }
      // The node dies right after the first step: nobody else has been told.
      _ = try await world.one.sessions.runner.session(
        ScriptLibrary.sessionEnd, shared.id, as: .participant(shared.host), ["cause": "close"]
      ).parts()
      let bucket = world.keys.deadlines(bucket: KeyLayout.bucket(of: shared.id))
      for _ in 0..<3 {
        _ = try await world.redis.send(
          RedisCommand("ZADD", .string(bucket), "XX", "1", .string(shared.id)), key: bucket)
        try await world.two.sweeper.sweep()
      }
      try await expectEnd(of: shared, in: world, expired: 120, failed: 0, withdrawn: 0)
      let host = try json(await world.one.hostSessions.get(shared.hostSessionID))["hostSession"]
      #expect(host?["sharedSessionIds"]?.elements.isEmpty == true)
      #expect(
        try await world.redis.send(RedisCommand("ZSCORE", .string(bucket), .string(shared.id)), key: bucket).isNull)
    }
  }

  private func expectEnd(of shared: Shared, in world: World, expired: Int, failed: Int, withdrawn: Int) async throws {
    let key = world.keys.session(shared.id, .events)
    let flat = try need(
      await world.redis.send(RedisCommand("XRANGE", .string(key), "-", "+"), key: key).array)
    let types = try flat.map { entry in
      try need(entry.array?[1].array?[1].string?.split(separator: " ", maxSplits: 2)[1]).description
    }
    #expect(types.count { $0 == "prompt_expired" } == expired)
    #expect(types.count { $0 == "prompt_dispatch_failed" } == failed)
    #expect(types.count { $0 == "permission_withdrawn" } == withdrawn)
    #expect(types.count { $0 == "session_closed" } == 1)
    #expect(types.last == "session_closed")
    let approvals = world.keys.session(shared.id, .approvals)
    let values = try need(await world.redis.send(RedisCommand("HVALS", .string(approvals)), key: approvals).array)
    #expect(!values.contains { $0.string?.contains(#","status":"pending""#) == true }, "an approval still waits")
  }
}

extension World {
  func lastType(_ id: String) async throws -> String {
    let key = keys.session(id, .events)
    let last = try await redis.send(RedisCommand("XREVRANGE", .string(key), "+", "-", "COUNT", "1"), key: key)
    let event = try need(last.array?.first?.array?[1].array?[1].string)
    return String(event.split(separator: " ", maxSplits: 2)[1])
  }
}
