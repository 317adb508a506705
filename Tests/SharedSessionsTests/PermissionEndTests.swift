import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// How requests end that nobody answers: with their turn, their session, or because the agent no longer asks.
@Suite struct PermissionEndTests {
  /// Checks that both requests were withdrawn once, in order, right before the event of this type.
  private func expectWithdrawn(
    _ turn: RunningTurn, _ ids: [String], _ reason: String, before next: String?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let all = try await turn.world.events(turn.shared.id)
    let places = all.indices.filter { all[$0].type == "permission_withdrawn" }
    #expect(Set(places.map { all[$0].payload["approval"]?["id"]?.string }) == Set(ids), sourceLocation: sourceLocation)
    #expect(places.count == ids.count, sourceLocation: sourceLocation)
    for place in places {
      #expect(all[place].payload["reason"]?.string == reason, sourceLocation: sourceLocation)
      #expect(all[place].payload["approval"]?["status"]?.string == "withdrawn", sourceLocation: sourceLocation)
      #expect(all[place].payload["approval"]?["reason"]?.string == reason, sourceLocation: sourceLocation)
    }
    if let next, let last = places.last {
      let after = all[(last + 1)...].map(\.type).first { $0 != "prompt_expired" }
      #expect(after == next, sourceLocation: sourceLocation)
    }
    for id in ids {
      #expect(
        try await turn.read(id)["approval"]?["status"]?.string == "withdrawn", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [(DispatchReportState.completed, "turn_ended"), (.failed, "turn_failed")])
  func theEndOfTheTurnWithdrawsThem(_ state: DispatchReportState, _ reason: String) async throws {
    try await withTurn { turn in
      let ids = [try await turn.asked(), try await turn.asked()]
      try await turn.answer(turn.asked(), "once")
      try await turn.bridge.report(turn.dispatch, state, error: "broken")
      try await expectWithdrawn(turn, ids, reason, before: "prompt_dispatch_\(state.rawValue)")
      #expect(try await code { try await turn.answer(ids[0], "once") } == .approvalAlreadyResolved)
      try await turn.bridge.report(turn.dispatch, state, error: "broken")
      try await expectWithdrawn(turn, ids, reason, before: nil)
    }
  }

  @Test func cancellingTheTurnWithdrawsThemAndNothingCanBeAskedAfterIt() async throws {
    try await withTurn { turn in
      let ids = [try await turn.asked(), try await turn.asked()]
      let body = try json(
        await turn.world.two.approvals.cancelTurn(turn.shared.id, credentials: turn.shared.host))
      #expect(body["cancelling"]?.bool == true)
      try await expectWithdrawn(turn, ids, "turn_cancelled", before: nil)
      #expect(try await code { _ = try await turn.ask() } == .dispatchConflict)
      var frames: [String: Int] = [:]
      for _ in 0..<3 {
        let frame = try json(try need(await turn.bridge.nextFrame()))
        frames[try need(frame["type"]?.string), default: 0] += 1
      }
      #expect(frames == ["cancel": 1, "permission": 2])
      // Asking twice to cancel is as good as once.
      _ = try await turn.world.one.approvals.cancelTurn(turn.shared.id, credentials: turn.shared.host)
      try await expectWithdrawn(turn, ids, "turn_cancelled", before: nil)
    }
  }

  /// The bridge hears of the cancel before the session has done its part: it is the same end.
  @Test func aBridgeThatIsFasterThanTheCancelEndsThemTheSame() async throws {
    try await withTurn { turn in
      let id = try await turn.asked()
      let (redis, key) = (turn.world.redis, turn.world.keys.host(turn.shared.hostSessionID))
      _ = try await redis.send(
        RedisCommand("HSET", .string(key), "cancelling", .string(try turn.dispatchID())), key: key)
      try await turn.withdraw(id)
      try await expectWithdrawn(turn, [id], "turn_cancelled", before: nil)
    }
  }

  @Test func aRepeatedCancelIsOneCancel() async throws {
    try await withTurn { turn in
      let ids = [try await turn.asked()]
      let key = IdempotencyRequest(key: "c", route: "POST cancel", caller: "host", body: ByteBuffer())
      for node in turn.world.nodes {
        let body = try json(
          await node.approvals.cancelTurn(turn.shared.id, credentials: turn.shared.host, idempotency: key))
        #expect(body["cancelling"]?.bool == true)
      }
      try await expectWithdrawn(turn, ids, "turn_cancelled", before: nil)
    }
  }

  @Test func closingWithdrawsThemBeforeTheSessionIsClosed() async throws {
    try await withTurn { turn in
      let ids = [try await turn.asked(), try await turn.asked()]
      _ = try await turn.world.prompt(turn.shared, turn.author)
      _ = try await turn.world.two.sessions.close(turn.shared.id, credentials: turn.shared.host)
      try await expectWithdrawn(turn, ids, "session_closed", before: "session_closed")
      #expect(try await code { _ = try await turn.ask() } == .sessionInactive)
      #expect(try await code { try await turn.withdraw(ids[0]) } == .approvalAlreadyResolved)
      // The turn goes on to its end, and finds nothing left to withdraw.
      try await turn.bridge.report(turn.dispatch, .completed)
      try await expectWithdrawn(turn, ids, "session_closed", before: "session_closed")
    }
  }

  @Test func expiryWithdrawsThemBeforeTheSessionIsClosed() async throws {
    try await withTurn(sweeping: true) { turn in
      let ids = [try await turn.asked()]
      let redis = turn.world.redis
      try await turn.world.setEnd(turn.shared.id, 1)
      #expect(try await code { try await turn.answer(ids[0], "once") } == .sessionInactive)
      #expect(try await code { _ = try await turn.ask() } == .sessionInactive)
      let bucket = turn.world.keys.deadlines(bucket: KeyLayout.bucket(of: turn.shared.id))
      _ = try await redis.send(RedisCommand("ZADD", .string(bucket), "1", .string(turn.shared.id)), key: bucket)
      try await eventually("it is swept") { try await turn.world.types(turn.shared.id).last == "session_closed" }
      try await expectWithdrawn(turn, ids, "session_expired", before: "session_closed")
    }
  }

  @Test func deletingTheHostSessionWithdrawsThem() async throws {
    try await withTurn { turn in
      let id = try await turn.asked()
      _ = try await turn.world.two.hostSessions.delete(turn.shared.hostSessionID, token: turn.shared.hostToken)
      let events = try await turn.events(about: id)
      #expect(events.map(\.type) == ["permission_requested", "permission_withdrawn"])
    }
  }

  @Test func anotherBridgeWithdrawsThemWithTheTurnItEnds() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let approval = try await world.prompt(shared, shared.host)
      try await withBridge(world, shared, id: "first") { bridge in
        let dispatch = try await bridge.nextDispatch()
        #expect(dispatch["approvalId"]?.string == approval)
        try await bridge.report(dispatch, .started)
        let turn = RunningTurn(world: world, shared: shared, author: shared.host, bridge: bridge, dispatch: dispatch)
        let ids = [try await turn.asked()]
        try await withBridge(world, shared, id: "second") { _ in }
        try await expectWithdrawn(turn, ids, "turn_failed", before: "prompt_dispatch_failed")
      }
    }
  }

  @Test func aLapsedLeaseWithdrawsThemWithTheTurn() async throws {
    try await withWorld(sweeping: true) {
      $0.dispatchLease = .seconds(3)
    } _: { world in
      let shared = try await world.share()
      _ = try await world.prompt(shared, shared.host)
      let turn = try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        try await bridge.report(dispatch, .started)
        let turn = RunningTurn(world: world, shared: shared, author: shared.host, bridge: bridge, dispatch: dispatch)
        return (turn, [try await turn.asked()])
      }
      try await eventually("the lease lapses") {
        try await world.types(shared.id).contains("prompt_dispatch_failed")
      }
      try await expectWithdrawn(turn.0, turn.1, "turn_failed", before: "prompt_dispatch_failed")
    }
  }

  @Test func theAgentTakesOneBack() async throws {
    try await withTurn { turn in
      let (kept, taken) = (try await turn.asked(), try await turn.asked())
      #expect(try await turn.withdraw(taken)["status"]?.string == "withdrawn")
      try await expectWithdrawn(turn, [taken], "agent_withdrew", before: nil)
      #expect(try await code { try await turn.withdraw(taken) } == .approvalAlreadyResolved)
      #expect(try await code { try await turn.withdraw(Secrets.newID()) } == .approvalNotFound)
      try await turn.answer(kept, "once")
      #expect(try await code { try await turn.withdraw(kept) } == .approvalAlreadyResolved)
      // A prompt's approval is none of the agent's.
      let prompt = try await turn.world.prompt(turn.shared, turn.author)
      #expect(try await code { try await turn.withdraw(prompt) } == .approvalNotFound)
    }
  }
}
