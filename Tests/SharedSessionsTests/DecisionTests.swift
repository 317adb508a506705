import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

@Suite struct DecisionTests {
  private func decide(
    _ world: World, _ shared: Shared, _ approval: String, _ action: ApprovalAction, reason: String? = nil,
    hash: String? = nil
  ) async throws -> ErrorCode? {
    try await code {
      _ = try await world.two.approvals.resolve(
        shared.id, approvalID: approval, credentials: shared.host, action: action, reason: reason, editedPrompt: nil,
        promptHash: hash)
    }
  }

  @Test func whoSawAnotherTextDoesNotApproveThisOne() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let approval = try await world.prompt(shared, try await world.join(shared, "carl"), "rm -rf build")
      #expect(try await decide(world, shared, approval, .approve, hash: Secrets.digest("ls")) == .promptChanged)
      #expect(
        try await decide(world, shared, approval, .approve, hash: Secrets.digest("rm -rf build").uppercased()) == nil)
    }
  }

  @Test func aRejectionNeedsAReasonWhereThatIsConfigured() async throws {
    try await withWorld(configure: { $0.rejectionNeedsReason = true }) { world in
      let shared = try await world.share()
      let approval = try await world.prompt(shared, try await world.join(shared, "carl"))
      #expect(try await decide(world, shared, approval, .reject) == .reasonRequired)
      #expect(try await decide(world, shared, approval, .reject, reason: "not today") == nil)
    }
  }

  @Test func aPendingApprovalExpiresOnceAndIsExpiredAtOnce() async throws {
    try await withWorld(sweeping: true) { world in
      let shared = try await world.share()
      let updated = try json(
        await world.one.sessions.update(
          shared.id, credentials: shared.host, mode: nil, expiresInMinutes: nil, approvalTimeoutSeconds: 1))
      #expect(updated["session"]?["approvalTimeoutSeconds"]?.integer == 1)
      let approval = try await world.prompt(shared, try await world.join(shared, "carl"))
      try await eventually("it is told") { try await world.types(shared.id).last == "prompt_expired" }
      #expect(try await decide(world, shared, approval, .approve) == .approvalAlreadyResolved)
      let body = try json(await world.two.sessions.snapshot(shared.id, reader: .trusted))
      #expect(body["approvals"]?.elements[0]["status"]?.string == "expired")
      #expect(body["approvals"]?.elements[0]["expiresAt"] != nil)
      #expect(try await world.types(shared.id).filter { $0 == "prompt_expired" }.count == 1)
    }
  }

  @Test func anOverdueApprovalCannotBeApprovedBeforeItIsSwept() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await world.one.sessions.update(
        shared.id, credentials: shared.host, mode: nil, expiresInMinutes: nil, approvalTimeoutSeconds: 60)
      let approval = try await world.prompt(shared, try await world.join(shared, "carl"))
      try await world.replace(
        #/"expiresAt":"[^"]+"/#, with: #""expiresAt":"2000-01-01T00:00:00.000Z""#,
        in: world.keys.session(shared.id, .approvals), approval)
      #expect(try await decide(world, shared, approval, .approve) == .approvalAlreadyResolved)
      #expect(try await world.types(shared.id).last == "prompt_pending_approval")
    }
  }

  @Test func theQueueIsVisibleAndAQueuedPromptCanBeTakenBack() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      var ids: [String] = []
      for i in 0..<3 {
        ids.append(try await world.prompt(shared, carl, "p\(i)"))
        try await world.approve(shared, ids[i])
      }
      let events = try await world.events(shared.id).filter { $0.type == "prompt_approved" }
      #expect(events.map { $0.payload["position"]?.integer } == [1, 2, 3])
      let viewer = try await world.join(shared, "vera", role: .viewer)
      func takeBack(_ id: String, _ who: ParticipantCredentials) async throws -> ErrorCode? {
        try await code { _ = try await world.two.approvals.withdrawQueued(shared.id, approvalID: id, credentials: who) }
      }
      #expect(try await takeBack(ids[0], viewer) == .authorRequired)
      try await withBridge(world, shared) { bridge in
        let handedOut = try await bridge.nextDispatch()
        #expect(handedOut["approvalId"]?.string == ids[0])
        #expect(try await takeBack(ids[0], carl) == nil)
        #expect(try await code { try await bridge.report(handedOut, .started) } == .dispatchConflict)
        let next = try await bridge.nextDispatch()
        #expect(next["approvalId"]?.string == ids[1])
        try await bridge.report(next, .started)
        #expect(try await takeBack(ids[1], shared.host) == .dispatchConflict)
        let body = try json(await world.one.approvals.queue(shared.id, reader: .participant(viewer)))
        #expect(body["queue"]?.elements.map { $0["approval"]?["id"]?.string } == [ids[2]])
        #expect(body["queue"]?.elements.map { $0["position"]?.integer } == [1])
        #expect(try await takeBack(ids[2], shared.host) == nil)
      }
      #expect(try await world.types(shared.id).filter { $0 == "prompt_withdrawn" }.count == 2)
    }
  }
}
