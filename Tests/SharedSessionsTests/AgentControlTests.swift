import JSONText
import NIOCore
import Testing

@testable import SharedSessions

/// Changes of how the agent works, which go the way of prompts, against a real Redis.
@Suite struct AgentControlTests {
  private static let agent = #"""
    {"modes":{"currentModeId":"ask","availableModes":[{"id":"ask"},{"id":"co\"de"}]},"configOptions":[{"id":"model","options":
    [{"value":"small"},{"value":"large"}]},{"id":"loud","type":"boolean"}]}
    """#

  private func share(_ world: World) async throws -> Shared {
    let agent = AgentIntroduction(try JSONText(validating: Self.agent))
    let reply = try json(
      try await world.one.hostSessions.register(RegisterHostSession(userID: "hana", agent: agent)).body)
    return try await world.share(
      host: (try need(reply["hostSession"]?["id"]?.string), try need(reply["hostToken"]?.string)))
  }

  private func submit(
    _ world: World, _ shared: Shared, _ who: ParticipantCredentials, _ control: ControlRequest, key: String? = nil
  ) async throws -> JSONText {
    let request = key.map {
      IdempotencyRequest(key: $0, route: "POST controls", caller: "c", body: ByteBuffer(string: "\(control)"))
    }
    return try json(
      await world.two.approvals.submitControl(shared.id, credentials: who, control: control, idempotency: request))
  }

  @Test func aProposedControlIsDecidedOnAndRunsInOrderWithThePrompts() async throws {
    try await withWorld { world in
      let shared = try await share(world)
      let carl = try await world.join(shared, "carl")
      let proposed = try await submit(world, shared, carl, .mode("co\"de"))
      #expect(proposed["status"]?.string == "pending")
      let approval = try need(proposed["approval"])
      #expect(approval["kind"]?.string == "control")
      #expect(approval["control"]?.description == #"{"kind":"mode","value":"co\"de"}"#)
      #expect(approval["prompt"]?.string == "Set the agent's mode to co\"de.")
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "first")
      try await withBridge(world, shared) { bridge in
        let first = try await bridge.nextDispatch()
        #expect(first["prompt"]?.string == "first")
        let id = try need(approval["id"]?.string)
        #expect(try await world.approve(shared, id)["approval"]?["status"]?.string == "approved")
        _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "last")
        try await bridge.report(first, .started)
        try await bridge.report(first, .completed)
        let second = try await bridge.nextDispatch()
        #expect(second["approvalId"]?.string == id)
        #expect(second["prompt"] == nil)
        #expect(second["control"]?.description == #"{"kind":"mode","value":"co\"de"}"#)
        try await bridge.report(second, .started)
        #expect(try json(await world.one.sessions.snapshot(shared.id, reader: .trusted))["agent"]?["turn"] == nil)
        try await bridge.report(second, .completed)
        #expect(try await bridge.nextDispatch()["prompt"]?.string == "last")
      }
      #expect(
        try await world.types(shared.id).filter { $0.hasPrefix("prompt_") } == [
          "prompt_pending_approval", "prompt_approved", "prompt_approved", "prompt_approved", "prompt_dispatch_started",
          "prompt_dispatch_completed", "prompt_dispatch_started", "prompt_dispatch_completed",
        ])
      // It is no message of anybody.
      #expect(
        try json(await world.one.sessions.messages(shared.id, reader: .trusted, after: nil, limit: 10))["messages"]?
          .elements.isEmpty == true)
    }
  }

  @Test func onlyWhatTheAgentOffersCanBeSet() async throws {
    try await withWorld { world in
      let shared = try await share(world)
      let fine: [ControlRequest] = [
        .mode("ask"), .mode("co\"de"), .option("model", value: JSONText(string: "large")),
        .option("loud", value: JSONText(bool: false)),
      ]
      for control in fine {
        #expect(try await submit(world, shared, shared.host, control)["status"]?.string == "approved")
      }
      let unknown: [ControlRequest] = [
        .mode("as"), .mode("model"), .mode("ask\"\t\"co"), .option("model", value: JSONText(string: "loud")),
        .option("model", value: JSONText(bool: true)), .option("loud", value: JSONText(string: "true")),
        .option("small", value: JSONText(string: "large")), .option("mode", value: JSONText(string: "ask")),
      ]
      for control in unknown {
        #expect(try await code { _ = try await submit(world, shared, shared.host, control) } == .controlNotAvailable)
      }
      let other = try await world.share()
      #expect(try await code { _ = try await submit(world, other, other.host, .mode("ask")) } == .controlNotAvailable)
    }
  }

  @Test func theMatrixOfPromptsHolds() async throws {
    try await withWorld { world in
      let shared = try await share(world)
      let (carl, vera) = (try await world.join(shared, "carl"), try await world.join(shared, "vera", role: .viewer))
      let rights: [(SessionMode, String?)] = [
        (.viewOnly, nil), (.commentOnly, nil), (.promptWithApproval, "pending"), (.promptDirect, "approved"),
      ]
      for (mode, status) in rights {
        _ = try await world.one.sessions.update(shared.id, credentials: shared.host, mode: mode, expiresInMinutes: nil)
        #expect(try await submit(world, shared, shared.host, .mode("ask"))["status"]?.string == "approved")
        #expect(try await code { _ = try await submit(world, shared, vera, .mode("ask")) } == .promptNotAllowed)
        if let status {
          #expect(try await submit(world, shared, carl, .mode("ask"))["status"]?.string == status)
        } else {
          #expect(try await code { _ = try await submit(world, shared, carl, .mode("ask")) } == .promptNotAllowed)
        }
      }
    }
  }

  @Test func itIsWithdrawnRejectedExpiredAndRepeatedLikeAPrompt() async throws {
    try await withWorld { world in
      let shared = try await share(world)
      let carl = try await world.join(shared, "carl")
      func propose(_ key: String? = nil) async throws -> JSONText {
        try await submit(world, shared, carl, .mode("ask"), key: key)
      }
      func id(_ body: JSONText) throws -> String { try need(body["approval"]?["id"]?.string) }
      let first = try await propose("same")
      #expect(try await propose("same") == first)
      let withdrawn = try json(
        await world.one.approvals.withdraw(shared.id, approvalID: id(first), credentials: carl))["approval"]
      #expect(withdrawn?["status"]?.string == "withdrawn")
      let second = try id(await propose())
      #expect(
        try await code {
          _ = try await world.one.approvals.resolve(
            shared.id, approvalID: second, credentials: shared.host, action: .approve, reason: nil, editedPrompt: "x")
        } == .invalidField)
      #expect(
        try await code {
          _ = try await world.one.approvals.resolve(
            shared.id, approvalID: second, credentials: shared.host, action: .approve, reason: nil, editedPrompt: nil,
            promptHash: Secrets.digest("Set the agent's mode to code."))
        } == .promptChanged)
      let rejected = try json(
        await world.one.approvals.resolve(
          shared.id, approvalID: second, credentials: shared.host, action: .reject, reason: "no", editedPrompt: nil,
          promptHash: Secrets.digest("Set the agent's mode to ask.")))["approval"]
      #expect(rejected?["status"]?.string == "rejected")
      let third = try id(await propose())
      _ = try await world.one.sessions.close(shared.id, credentials: shared.host)
      let events = try await world.events(shared.id)
      #expect(events.last { $0.type == "prompt_expired" }?.payload["approval"]?["id"]?.string == third)
    }
  }

  /// Two deciders at once on two nodes: one outcome, whoever it is.
  @Test func oneOfTwoDecidersWins() async throws {
    try await withWorld { world in
      let shared = try await share(world)
      let carl = try await world.join(shared, "carl")
      for _ in 0..<20 {
        let approval = try need(
          try await submit(world, shared, carl, .mode("ask"))["approval"]?["id"]?.string)
        func decide(_ node: SharedSessionsDomain, _ action: ApprovalAction) async throws -> Bool {
          try await code {
            _ = try await node.approvals.resolve(
              shared.id, approvalID: approval, credentials: shared.host, action: action, reason: nil, editedPrompt: nil)
          } == nil
        }
        async let approved = decide(world.one, .approve)
        async let rejected = decide(world.two, .reject)
        let outcomes = try await [approved, rejected]
        #expect(outcomes.count { $0 } == 1)
      }
      let kinds = try await world.types(shared.id).filter { $0 == "prompt_approved" || $0 == "prompt_rejected" }
      #expect(kinds.count == 20)
    }
  }
}
