import JSONText
import NIOCore
import Testing

@testable import SharedSessions

/// Prompts that interrupt, against a real Redis.
@Suite struct SteerTests {
  private func prompt(
    _ world: World, _ shared: Shared, _ who: ParticipantCredentials, _ text: String,
    _ delivery: PromptDelivery = .interrupt
  ) async throws -> JSONText {
    try need(
      json(
        await world.two.approvals.submitPrompt(shared.id, credentials: who, prompt: text, delivery: delivery))[
          "approval"])
  }

  private func isCancel(_ frame: JSONText, of dispatch: JSONText) -> Bool {
    frame["type"]?.string == "cancel" && frame["payload"]?["dispatchId"] == dispatch["dispatchId"]
  }

  @Test func itStopsTheTurnRunsNextAndTheEndSaysByWhom() async throws {
    try await withTurn { turn in
      let (world, shared) = (turn.world, turn.shared)
      let asked = try await turn.asked()
      _ = try await prompt(world, shared, shared.host, "waits", .queue)
      let steering = try await prompt(world, shared, turn.author, "stop, do this")
      #expect(steering["delivery"]?.string == "interrupt")
      #expect(steering["status"]?.string == "pending")
      let approval = try need(try await world.approve(shared, try need(steering["id"]?.string))["approval"])
      #expect(approval["status"]?.string == "approved")
      // Its question is taken back, and the bridge is told to stop the turn, whichever comes first.
      let one = try json(try need(await turn.bridge.nextFrame()))
      let frames = [one, try json(try need(await turn.bridge.nextFrame()))]
      #expect(frames.contains { isCancel($0, of: turn.dispatch) })
      #expect(frames.contains { $0["type"]?.string == "permission" && $0["payload"]?["approvalId"]?.string == asked })
      #expect(try await turn.read(asked)["approval"]?["reason"]?.string == "turn_cancelled")
      #expect(try await code { _ = try await turn.ask() } == .dispatchConflict)
      try await turn.bridge.report(turn.dispatch, .completed, stopReason: "cancelled")
      let next = try await turn.bridge.nextDispatch()
      #expect(next["prompt"]?.string == "stop, do this")
      try await turn.bridge.report(next, .started)
      try await turn.bridge.report(next, .completed)
      #expect(try await turn.bridge.nextDispatch()["prompt"]?.string == "waits")
      let events = try await world.events(shared.id)
      let end = try need(events.first { $0.type == "prompt_dispatch_completed" }?.payload)
      #expect(end["interruptedByApprovalId"] == steering["id"])
      #expect(end["interruptedByParticipantId"]?.string == shared.host.participantID)
      #expect(events.last { $0.type == "prompt_approved" }?.payload["position"]?.integer == 1)
      let kept = try json(await world.one.sessions.snapshot(shared.id, reader: .trusted))["approvals"]?.elements
        .first { $0["dispatch"]?["id"] == turn.dispatch["dispatchId"] }
      #expect(kept?["dispatch"]?["interruptedByApprovalId"] == steering["id"])
      #expect(events.filter { $0.type == "prompt_dispatch_completed" }.last?.payload["interruptedByApprovalId"] == nil)
    }
  }

  @Test func aTurnThatBreaksOffBecauseOfItSaysSoToo() async throws {
    try await withTurn { turn in
      let steering = try await prompt(turn.world, turn.shared, turn.shared.host, "now")
      let frame = try json(try need(await turn.bridge.nextFrame()))
      #expect(isCancel(frame, of: turn.dispatch))
      try await turn.bridge.report(turn.dispatch, .failed)
      let end = try need(
        try await turn.world.events(turn.shared.id).last { $0.type == "prompt_dispatch_failed" }?.payload)
      #expect(end["interruptedByApprovalId"] == steering["id"])
    }
  }

  @Test func whatWasHandedOutButNotBegunIsTakenBackAndRunsLaterOnce() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await prompt(world, shared, shared.host, "first", .queue)
      try await withBridge(world, shared) { bridge in
        let first = try await bridge.nextDispatch()
        _ = try await prompt(world, shared, shared.host, "before it")
        let next = try await bridge.nextDispatch()
        #expect(next["prompt"]?.string == "before it")
        // The bridge was slow: what it was handed is stale.
        #expect(try await code { try await bridge.report(first, .started) } == .dispatchConflict)
        try await bridge.report(next, .started)
        try await bridge.report(next, .completed)
        let again = try await bridge.nextDispatch()
        #expect(again["dispatchId"] == first["dispatchId"])
        #expect(again["attempt"]?.integer ?? 0 > first["attempt"]?.integer ?? 0)
        try await bridge.report(again, .started)
        try await bridge.report(again, .completed)
      }
      #expect(try await world.types(shared.id).count { $0 == "prompt_dispatch_started" } == 2)
    }
  }

  @Test func withNothingRunningItIsJustNext() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      for text in ["one", "two"] { _ = try await prompt(world, shared, shared.host, text, .queue) }
      let first = try await prompt(world, shared, shared.host, "three")
      _ = try await prompt(world, shared, shared.host, "four")
      #expect(first["delivery"]?.string == "interrupt")
      let queue = try json(await world.one.approvals.queue(shared.id, reader: .trusted))["queue"]?.elements
      #expect(queue?.compactMap { $0["approval"]?["prompt"]?.string } == ["four", "three", "one", "two"])
      _ = try await prompt(world, shared, shared.host, "five", .queue)
      let after = try json(await world.one.approvals.queue(shared.id, reader: .trusted))["queue"]?.elements
      #expect(after?.last?["approval"]?["prompt"]?.string == "five")
    }
  }

  /// The turn of another session of the same host is not its own to stop; it only comes next.
  @Test func anotherSessionsTurnGoesOn() async throws {
    try await withTurn { turn in
      let other = try await turn.world.share(host: (turn.shared.hostSessionID, turn.shared.hostToken))
      _ = try await prompt(turn.world, turn.shared, turn.shared.host, "waits", .queue)
      _ = try await prompt(turn.world, other, other.host, "of the other")
      try await turn.bridge.report(turn.dispatch, .completed)
      #expect(try await turn.bridge.nextDispatch()["prompt"]?.string == "of the other")
      #expect(
        try await turn.world.events(turn.shared.id).last { $0.type == "prompt_dispatch_completed" }?.payload[
          "interruptedByApprovalId"] == nil)
    }
  }

  /// A bridge that attaches again is told of a turn to stop that was interrupted meanwhile.
  @Test func aBridgeThatComesBackHearsOfIt() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await prompt(world, shared, shared.host, "first", .queue)
      let dispatch = try await withBridge(world, shared, id: "b") { bridge in
        let dispatch = try await bridge.nextDispatch()
        try await bridge.report(dispatch, .started)
        return dispatch
      }
      _ = try await prompt(world, shared, shared.host, "now")
      try await withBridge(world, shared, id: "b") { bridge in
        let frame = try json(try need(await bridge.nextFrame()))
        #expect(isCancel(frame, of: dispatch))
      }
    }
  }
}
