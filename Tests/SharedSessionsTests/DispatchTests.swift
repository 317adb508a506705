import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// A scripted bridge: reads frames, reports what it is told to.
struct ScriptedBridge: Sendable {
  let world: World
  let shared: Shared
  let attachment: DispatchAttachment

  func nextFrame() async -> ByteBuffer? {
    var frames = attachment.messages.makeAsyncIterator()
    return await frames.next()
  }

  func nextDispatch() async throws -> JSONText {
    let frame = try json(try need(await nextFrame()))
    guard frame["type"]?.string == "dispatch" else { throw FixtureError("not a dispatch: \(frame)") }
    return try need(frame["payload"])
  }

  func report(
    _ dispatch: JSONText, _ state: DispatchReportState, error: String? = nil, stopReason: String = "end_turn"
  ) async throws {
    _ = try await world.two.hostSessions.report(
      shared.hostSessionID, dispatchID: try need(dispatch["dispatchId"]?.string), token: shared.hostToken,
      DispatchReport(
        state: state, attempt: try need(dispatch["attempt"]?.integer), error: error, stopReason: stopReason))
  }
}

/// Attaches a bridge, and calls `body` with it.
func withBridge<Value: Sendable>(
  _ world: World, _ shared: Shared, id: String? = nil, _ body: (ScriptedBridge) async throws -> Value
) async throws -> Value {
  let attachment = try await world.one.hostSessions.attach(shared.hostSessionID, token: shared.hostToken, bridgeID: id)
  let running = Task { await attachment.run() }
  defer { running.cancel() }
  let bridge = ScriptedBridge(world: world, shared: shared, attachment: attachment)
  let first = try json(try need(await bridge.nextFrame()))
  guard first["type"]?.string == "attached", first["payload"]?["fence"]?.integer != nil else {
    throw FixtureError("the first frame is not 'attached'")
  }
  return try await body(bridge)
}

@Suite struct DispatchTests {
  @Test func anApprovedPromptRunsOnceAndIsRecorded() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let approval = try await world.prompt(shared, carl, "build it")
      try await withBridge(world, shared) { bridge in
        try await world.approve(shared, approval)
        let dispatch = try await bridge.nextDispatch()
        #expect(dispatch["prompt"]?.string == "build it")
        #expect(dispatch["approvalId"]?.string == approval)
        #expect(dispatch["attempt"]?.integer == 1)
        #expect(dispatch["participant"]?["userId"]?.string == "carl")
        try await bridge.report(dispatch, .started)
        try await bridge.report(dispatch, .started)
        try await bridge.report(dispatch, .completed)
        try await bridge.report(dispatch, .completed)
        #expect(try await code { try await bridge.report(dispatch, .failed, error: "x") } == .dispatchConflict)
      }
      let types = try await world.types(shared.id)
      #expect(
        types.filter { $0 != "host_online" }.suffix(3) == [
          "prompt_approved", "prompt_dispatch_started", "prompt_dispatch_completed",
        ])
      let body = try json(await world.two.sessions.snapshot(shared.id, reader: .trusted))
      let dispatch = body["approvals"]?.elements[0]["dispatch"]
      #expect(dispatch?["state"]?.string == "completed")
      #expect(dispatch?["stopReason"]?.string == "end_turn")
    }
  }

  @Test func oneAtATimeInApprovalOrderOverAllSessions() async throws {
    try await withWorld { world in
      let host = try await world.register()
      let (a, b) = (try await world.share(host: host), try await world.share(host: host))
      var order: [String] = []
      for (i, shared) in [a, b, b, a].enumerated() {
        let body = try json(
          await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "p\(i)"))
        order.append(try need(body["approval"]?["id"]?.string))
      }
      try await withBridge(world, a) { bridge in
        var ran: [String] = []
        for _ in order {
          let dispatch = try await bridge.nextDispatch()
          ran.append(try need(dispatch["approvalId"]?.string))
          try await bridge.report(dispatch, .started)
          try await bridge.report(dispatch, .completed)
        }
        #expect(ran == order)
      }
    }
  }

  @Test func anUnstartedDispatchIsSentAgainWithAHigherAttemptAndTheOldOneIsStale() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go")
      try await withBridge(world, shared) { old in
        let stale = try await old.nextDispatch()
        try await withBridge(world, shared) { new in
          // The older attachment ends by itself.
          #expect(await old.nextFrame() == nil)
          let dispatch = try await new.nextDispatch()
          #expect(dispatch["dispatchId"] == stale["dispatchId"])
          #expect(dispatch["attempt"]?.integer == 2)
          #expect(try await code { try await old.report(stale, .started) } == .dispatchConflict)
          try await new.report(dispatch, .started)
          try await new.report(dispatch, .failed, error: "it broke")
        }
      }
      let last = try #require(try await world.events(shared.id).last)
      #expect(last.type == "prompt_dispatch_failed")
      #expect(last.payload["error"]?.string == "it broke")
    }
  }

  @Test func aStartedDispatchIsNeverSentAgainAndFailsWithItsLease() async throws {
    try await withWorld(sweeping: true, configure: { $0.dispatchLease = .seconds(3) }) { world in
      let shared = try await world.share()
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "first")
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "second")
      let lost = try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        try await bridge.report(dispatch, .started)
        return dispatch
      }
      try await eventually("the lost dispatch has failed") {
        try await world.events(shared.id).contains {
          $0.type == "prompt_dispatch_failed" && $0.payload["error"]?.string?.contains("outcome is unknown") == true
            && $0.payload["dispatchId"] == lost["dispatchId"]
        }
      }
      try await eventually("the host is offline") { try await world.types(shared.id).last == "host_offline" }
      try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        #expect(dispatch["prompt"]?.string == "second")
        #expect(try await code { try await bridge.report(lost, .completed) } == .dispatchConflict)
      }
    }
  }

  @Test func anotherBridgeDoesNotInheritARunningTurn() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "first")
      try await withBridge(world, shared, id: "bridge-a") { bridge in
        let dispatch = try await bridge.nextDispatch()
        try await bridge.report(dispatch, .started)
        try await withBridge(world, shared, id: "bridge-a") { _ in
          let last = try await world.types(shared.id).last
          #expect(last == "prompt_dispatch_started")
        }
        try await withBridge(world, shared, id: "bridge-b") { _ in
          let last = try await world.types(shared.id).last
          #expect(last == "prompt_dispatch_failed")
        }
      }
    }
  }

  @Test(arguments: [true, false])
  func aNamelessBridgeThatComesBackMustClaimItsTurn(claims: Bool) async throws {
    try await withWorld(configure: { $0.dispatchLease = .seconds(3) }) { world in
      let shared = try await world.share()
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "first")
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "second")
      let dispatch = try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        try await bridge.report(dispatch, .started)
        return dispatch
      }
      try await withBridge(world, shared) { bridge in
        if claims {
          try await bridge.report(dispatch, .started)
          try await bridge.report(dispatch, .completed)
        }
        let second = try await bridge.nextDispatch()
        #expect(second["prompt"]?.string == "second")
      }
      let ends = try await world.types(shared.id).filter { $0.hasPrefix("prompt_dispatch_") }.last
      #expect(ends == (claims ? "prompt_dispatch_completed" : "prompt_dispatch_failed"))
    }
  }

  @Test func aDispatchNobodyStartsFailsInTime() async throws {
    try await withWorld(sweeping: true, configure: { $0.dispatchTimeout = .milliseconds(300) }) { world in
      let shared = try await world.share()
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go")
      try await eventually("it has failed") { try await world.types(shared.id).last == "prompt_dispatch_failed" }
      #expect(try await world.events(shared.id).last?.payload["error"]?.string == "host agent unavailable")
      let body = try json(await world.one.sessions.snapshot(shared.id, reader: .trusted))
      #expect(body["approvals"]?.elements[0]["status"]?.string == "failed")
      #expect(body["approvals"]?.elements[0]["errorMessage"]?.string == "host agent unavailable")
    }
  }

  @Test func aTurnIsCancelledByTheHostFromAnyNode() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let idle = try json(await world.two.approvals.cancelTurn(shared.id, credentials: shared.host))
      #expect(idle["cancelling"]?.bool == false)
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go")
      try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        try await bridge.report(dispatch, .started)
        let body = try json(await world.two.approvals.cancelTurn(shared.id, credentials: shared.host))
        #expect(body["cancelling"]?.bool == true)
        let frame = try json(try need(await bridge.nextFrame()))
        #expect(frame["type"]?.string == "cancel")
        #expect(frame["payload"]?["dispatchId"] == dispatch["dispatchId"])
      }
    }
  }

  @Test func whatIsTakenOutOfTheQueueIsNoRunningTurn() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let approval = try json(
        await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go"))["approval"]
      try await withBridge(world, shared) { bridge in
        _ = try await bridge.nextDispatch()
        _ = try await world.two.approvals.withdrawQueued(
          shared.id, approvalID: try need(approval?["id"]?.string), credentials: shared.host)
        let cancelled = try json(await world.one.approvals.cancelTurn(shared.id, credentials: shared.host))
        #expect(cancelled["cancelling"]?.bool == false)
      }
    }
  }

  @Test func aPromptThatWasStoppedBeforeItBeganIsStoppedAtTheNextBridgeToo() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "one")
      try await withBridge(world, shared, id: "a") { bridge in
        _ = try await bridge.nextDispatch()
        _ = try await world.one.approvals.cancelTurn(shared.id, credentials: shared.host)
      }
      for id in ["b", "b"] {
        try await withBridge(world, shared, id: id) { bridge in
          let dispatch = try await bridge.nextDispatch()
          let frame = try json(try need(await bridge.nextFrame()))
          #expect(frame["type"]?.string == "cancel")
          #expect(frame["payload"]?["dispatchId"] == dispatch["dispatchId"])
        }
      }
    }
  }

  @Test func aBridgeIsNotAskedToStopWhatAnotherOneRan() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "one")
      try await withBridge(world, shared, id: "a") { bridge in
        try await bridge.report(try await bridge.nextDispatch(), .started)
        _ = try await world.one.approvals.cancelTurn(shared.id, credentials: shared.host)
      }
      try await withBridge(world, shared, id: "b") { bridge in
        _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "two")
        #expect(try await bridge.nextDispatch()["prompt"]?.string == "two")
      }
    }
  }

  @Test func notificationsReachEveryActiveSessionInOrder() async throws {
    try await withWorld { world in
      let host = try await world.register()
      let (a, b) = (try await world.share(host: host), try await world.share(host: host))
      let notes = try (0..<5).map {
        try JSONText(validating: #"{"method":"session/update","params":{"n":\#($0),"x":[],"y":1e400}}"#)
      }
      let body = try json(await world.two.hostSessions.notify(host.id, token: host.token, notifications: notes))
      #expect(body["accepted"]?.integer == 5)
      for shared in [a, b] {
        let events = try await world.events(shared.id).filter { $0.type == "host_session_update" }
        #expect(events.compactMap { $0.payload["notification"] } == notes)
      }
      #expect(
        try await code { _ = try await world.one.hostSessions.notify(host.id, token: "x", notifications: []) }
          == .invalidHostToken)
    }
  }

  @Test func aHostSessionIsTakenUntilItsTokenIsSentAndClosesWhatItShares() async throws {
    try await withWorld { world in
      let host = try await world.register("box")
      #expect(try await code { _ = try await world.register("box") } == .hostSessionExists)
      let again = try await world.two.hostSessions.register(
        RegisterHostSession(userID: "hana", hostSessionID: "box", agentName: "agent", hostToken: host.token))
      #expect(again.isNew == false)
      #expect(try json(again.body)["hostToken"]?.string == host.token)
      let shared = try await world.share(host: host)
      #expect(
        try json(await world.one.hostSessions.get("box"))["hostSession"]?["sharedSessionIds"]?.elements.count == 1)
      _ = try await world.two.hostSessions.delete("box", token: host.token)
      #expect(try await world.types(shared.id).last == "session_closed")
      #expect(try await code { _ = try await world.one.hostSessions.get("box") } == .hostSessionNotFound)
    }
  }
}
