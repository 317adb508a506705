import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// The rules of the agent's permission requests.
@Suite struct PermissionTests {
  @Test func aRequestIsAnApprovalThatADelegateAnswersAndTheBridgeHearsOf() async throws {
    try await withTurn { turn in
      let asked = try await turn.ask()
      let id = try need(asked["id"]?.string)
      #expect(asked["kind"]?.string == "permission")
      #expect(asked["status"]?.string == "pending")
      #expect(asked["prompt"]?.string == "rm -rf build")
      #expect(asked["participantId"]?.string == turn.author.participantID)
      #expect(try asked["dispatchId"]?.string == turn.dispatchID())
      #expect(asked["dispatch"] == nil)
      // As the agent sent them, byte for byte.
      #expect(asked["toolCall"].map { String(buffer: $0.bytes) } == RunningTurn.toolCall)
      #expect(asked["options"].map { String(buffer: $0.bytes) } == RunningTurn.options)
      let dora = try await turn.delegate()
      let answered = try await turn.answer(id, "always", by: dora, reason: "tidy is good")
      #expect(answered["status"]?.string == "approved")
      #expect(answered["optionId"]?.string == "always")
      #expect(answered["reason"]?.string == "tidy is good")
      #expect(answered["resolvedByParticipantId"]?.string == dora.participantID)
      let events = try await turn.events(about: id)
      #expect(events.map(\.type) == ["permission_requested", "permission_resolved"])
      #expect(events[0].payload["participant"]?["userId"]?.string == "carl")
      #expect(events[1].payload["participant"]?["userId"]?.string == "dora")
      #expect(events[1].payload["approval"] == answered)
      let frame = try json(try need(await turn.bridge.nextFrame()))
      #expect(frame["type"]?.string == "permission")
      #expect(frame["payload"]?["approvalId"]?.string == id)
      #expect(frame["payload"]?["status"]?.string == "approved")
      #expect(frame["payload"]?["optionId"]?.string == "always")
      #expect(frame["payload"]?["resolvedByName"]?.string == "dora")
      let read = try await turn.read(id)
      #expect(read["approval"] == answered)
      #expect(read["resolvedByName"]?.string == "dora")
      let snapshot = try json(await turn.world.two.sessions.snapshot(turn.shared.id, reader: .trusted))
      #expect(snapshot["approvals"]?.elements.map { $0["kind"]?.string } == ["permission", "prompt"])
      #expect(snapshot["approvals"]?.elements.first == answered)
    }
  }

  @Test func anActionTakesTheNarrowestOptionOfItsSide() async throws {
    try await withTurn { turn in
      for (action, option) in [(ApprovalAction.approve, "once"), (.reject, "no")] {
        let answered = try await turn.answer(turn.asked(), action: action)
        #expect(answered["optionId"]?.string == option)
        #expect(answered["status"]?.string == (action == .approve ? "approved" : "rejected"))
      }
      let onlyAlways =
        #"[{"optionId":"a","name":"A","kind":"allow_always"},{"optionId":"x","name":"X","kind":"grant"}]"#
      let id = try need(await turn.ask(options: onlyAlways)["id"]?.string)
      #expect(try await code { try await turn.answer(id, action: .reject) } == .optionRequired)
      #expect(try await code { try await turn.answer(id, "b") } == .invalidOption)
      #expect(try await code { try await turn.answer(id, "a", action: .reject) } == .invalidOption)
      // A kind nobody knows is no refusal.
      #expect(try await code { try await turn.answer(id, "x", action: .reject) } == .invalidOption)
      #expect(try await turn.answer(id, action: .approve)["optionId"]?.string == "a")
    }
  }

  @Test func optionsAreComparedAsTextsWhateverTheirSpelling() async throws {
    try await withTurn { turn in
      let options = #"[{"optionId":"\u00e9 \"q\"\/","name":"É","kind":"reject_once","optionId":"\u00e9 \"q\"\/"}]"#
      let id = try need(await turn.ask(options: options)["id"]?.string)
      #expect(try await turn.answer(id, "é \"q\"/")["status"]?.string == "rejected")
      #expect(try await turn.read(id)["approval"]?["optionId"]?.string == "é \"q\"/")
    }
  }

  @Test func whatBelongsToOneKindIsRefusedForTheOther() async throws {
    try await withTurn { turn in
      let (world, shared, id) = (turn.world, turn.shared, try await turn.asked())
      let prompt = try await world.prompt(shared, turn.author)
      #expect(try await code { try await turn.answer(prompt, "once", action: .approve) } == .invalidField)
      #expect(try await code { try await turn.answer(prompt, "once") } == .invalidField)
      #expect(try await code { try await turn.answer(id, "once", editedPrompt: "ls") } == .invalidField)
      let hash = Secrets.digest("rm -rf build")
      #expect(try await code { try await turn.answer(id, "once", promptHash: hash) } == .invalidField)
      #expect(try await code { try await turn.answer(id, "once", by: turn.author) } == .hostRequired)
      let withdrawal = try await code {
        _ = try await world.two.approvals.withdraw(shared.id, approvalID: id, credentials: turn.author)
      }
      #expect(withdrawal == .authorRequired)
      let taken = try await code {
        _ = try await world.two.approvals.withdrawQueued(shared.id, approvalID: id, credentials: shared.host)
      }
      #expect(taken == .dispatchConflict)
      #expect(try await turn.events(about: id).map(\.type) == ["permission_requested"])
    }
  }

  @Test func aRejectionNeedsAReasonWhereThatIsConfigured() async throws {
    try await withTurn(configure: { $0.rejectionNeedsReason = true }) { turn in
      let id = try await turn.asked()
      #expect(try await code { try await turn.answer(id, "no") } == .reasonRequired)
      #expect(try await turn.answer(id, "no", reason: "keep it")["reason"]?.string == "keep it")
      #expect(try await turn.answer(turn.asked(), "once")["status"]?.string == "approved")
    }
  }

  @Test func onlyTheTurnThatRunsCanAsk() async throws {
    try await withTurn { turn in
      let stranger = try await turn.world.register()
      let foreign = PermissionRequest(
        dispatchID: try turn.dispatchID(), summary: "x", toolCall: ByteBuffer(string: "{}"),
        options: ByteBuffer(string: RunningTurn.options))
      let refused = try await code {
        _ = try await turn.world.one.permissions.request(stranger.id, token: stranger.token, foreign)
      }
      #expect(refused == .dispatchNotFound)
      let unauthorized = try await code {
        _ = try await turn.world.one.permissions.request(turn.shared.hostSessionID, token: "wrong", foreign)
      }
      #expect(unauthorized == .invalidHostToken)
      #expect(try await code { _ = try await turn.ask(dispatchID: Secrets.newID()) } == .dispatchNotFound)
      #expect(try await code { _ = try await turn.ask(dispatchID: "nonsense") } == .dispatchNotFound)
      let id = try await turn.asked()
      #expect(try await code { _ = try await turn.read(Secrets.newID()) } == .approvalNotFound)
      let notTheirs = try await code {
        _ = try await turn.world.one.permissions.get(stranger.id, approvalID: id, token: stranger.token)
      }
      #expect(notTheirs == .approvalNotFound)
      try await turn.answer(id, "once")
      try await turn.bridge.report(turn.dispatch, .completed)
      #expect(try await code { _ = try await turn.ask() } == .dispatchConflict)
      #expect(try await turn.read(id)["approval"]?["status"]?.string == "approved")
    }
  }

  @Test func aTurnThatHasNotBegunCannotAsk() async throws {
    try await withTurn { turn in
      let next = try await turn.world.prompt(turn.shared, turn.shared.host)
      try await turn.bridge.report(turn.dispatch, .completed)
      let dispatch = try await turn.bridge.nextDispatch()
      #expect(dispatch["approvalId"]?.string == next)
      let id = try need(dispatch["dispatchId"]?.string)
      #expect(try await code { _ = try await turn.ask(dispatchID: id) } == .dispatchConflict)
      try await turn.bridge.report(dispatch, .started)
      #expect(try await turn.ask(dispatchID: id)["participantId"]?.string == turn.shared.host.participantID)
    }
  }

  @Test func waitingRequestsAreBoundedAndCountAgainstNoPrompt() async throws {
    try await withTurn {
      $0.maximumPendingPermissions = 2
      $0.maximumPendingApprovals = 1
      $0.maximumPendingApprovalsPerParticipant = 1
    } _: { turn in
      let ids = [try await turn.asked(), try await turn.asked(node: 1)]
      #expect(try await code { _ = try await turn.ask() } == .approvalLimit)
      _ = try await turn.world.prompt(turn.shared, turn.author)
      try await turn.answer(ids[0], "no")
      #expect(try await turn.ask()["status"]?.string == "pending")
    }
  }

  @Test func aRepeatedRequestIsOneRequestOnEveryNode() async throws {
    try await withTurn { turn in
      let first = try await turn.ask(key: "k1")
      #expect(try await turn.ask(node: 1, key: "k1") == first)
      let other = try await code { _ = try await turn.ask(toolCall: "{}", key: "k1") }
      #expect(other == .idempotencyKeyReused)
      let id = try need(first["id"]?.string)
      try await turn.answer(id, "once")
      // Also when it has been answered and the turn is over: the first answer, not a conflict.
      try await turn.bridge.report(turn.dispatch, .completed)
      #expect(try await turn.ask(node: 1, key: "k1") == first)
      #expect(try await turn.events(about: id).map(\.type) == ["permission_requested", "permission_resolved"])
      for key in SessionKey.allCases.map({ turn.world.keys.session(turn.shared.id, $0) })
        + HostKey.allCases.map({ turn.world.keys.host(turn.shared.hostSessionID, $0) })
      {
        let life = try await turn.world.ttl(key)
        #expect(life > 0 || life == -2, "\(key) has a time to live")
      }
    }
  }

  @Test func aRequestWaitsWhileApprovalsExpire() async throws {
    try await withTurn(sweeping: true) { turn in
      _ = try await turn.world.one.sessions.update(
        turn.shared.id, credentials: turn.shared.host, mode: nil, expiresInMinutes: nil, approvalTimeoutSeconds: 1)
      let id = try await turn.asked()
      _ = try await turn.world.prompt(turn.shared, turn.author)
      try await eventually("the prompt expires") { try await turn.world.types(turn.shared.id).last == "prompt_expired" }
      let read = try await turn.read(id)
      #expect(read["approval"]?["status"]?.string == "pending")
      #expect(read["approval"]?["expiresAt"] == nil)
    }
  }

  @Test func theExportHoldsWhatWasAskedAndAnswered() async throws {
    try await withTurn { turn in
      let id = try await turn.asked()
      try await turn.answer(id, "no", reason: "not on a Friday")
      _ = try await turn.world.one.sessions.close(turn.shared.id, credentials: turn.shared.host)
      let resolved = try need(try await turn.events(about: id).last)
      #expect(resolved.type == "permission_resolved")
      #expect(resolved.payload["approval"]?["toolCall"]?["title"]?.string == "rm -rf build")
      #expect(resolved.payload["approval"]?["reason"]?.string == "not on a Friday")
    }
  }
}
