import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

@Suite struct ApprovalTests {
  @Test(arguments: SessionMode.allCases, Role.allCases)
  func thePermissionMatrix(mode: SessionMode, role: Role) async throws {
    try await withWorld { world in
      let shared = try await world.share(mode)
      let caller = role == .host ? shared.host : try await world.join(shared, "u", role: role)
      let mayComment = role == .host || (role == .collaborator && mode != .viewOnly)
      #expect(
        try await code { _ = try await world.one.sessions.postMessage(shared.id, credentials: caller, text: "x") }
          == (mayComment ? nil : .commentNotAllowed))
      let expected: String? =
        switch (role, mode) {
        case (.host, _), (.collaborator, .promptDirect): "approved"
        case (.collaborator, .promptWithApproval): "pending"
        default: nil
        }
      do {
        let body = try json(await world.two.approvals.submitPrompt(shared.id, credentials: caller, prompt: "p"))
        #expect(body["status"]?.string == expected)
      } catch let error as SharedSessionError {
        #expect(expected == nil && error.code == .promptNotAllowed)
      }
    }
  }

  @Test func exactlyOneResolverWinsOverTwoNodes() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      for round in 0..<100 {
        let approval = try await world.prompt(shared, carl, "p\(round)")
        let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
          for i in 0..<8 {
            group.addTask {
              let refused = try await code {
                if i == 7 {
                  _ = try await world.one.approvals.withdraw(shared.id, approvalID: approval, credentials: carl)
                } else {
                  _ = try await world.nodes[i % 2].approvals.resolve(
                    shared.id, approvalID: approval, credentials: shared.host, action: i % 3 == 0 ? .reject : .approve,
                    reason: nil, editedPrompt: nil)
                }
              }
              guard refused == nil || refused == .approvalAlreadyResolved else {
                throw FixtureError("refused with \(String(describing: refused))")
              }
              return refused == nil
            }
          }
          return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
      }
      let types = try await world.types(shared.id)
      let resolved = ["prompt_approved", "prompt_rejected", "prompt_withdrawn"]
      #expect(types.filter { resolved.contains($0) }.count == 100)
      let queued = try await world.redis.send(
        RedisCommand("ZCARD", .string(world.keys.session(shared.id, .queue))),
        key: world.keys.session(shared.id, .queue))
      #expect(queued.integer == types.filter { $0 == "prompt_approved" }.count)
    }
  }

  @Test func anEditedPromptIsWhatTheAgentGetsAndBothAreKept() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let approval = try await world.prompt(shared, carl, "rm -rf / \"quoted\" \u{2028} 😀 </script> \\ /")
      let body = try json(
        await world.one.approvals.resolve(
          shared.id, approvalID: approval, credentials: shared.host, action: .approve, reason: "safer",
          editedPrompt: "ls"))
      #expect(body["approval"]?["prompt"]?.string == "rm -rf / \"quoted\" \u{2028} 😀 </script> \\ /")
      #expect(body["approval"]?["editedPrompt"]?.string == "ls")
      #expect(body["approval"]?["reason"]?.string == "safer")
      try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        #expect(dispatch["prompt"]?.string == "ls")
      }
    }
  }

  @Test func limitsAnswerWithTheirCodes() async throws {
    try await withWorld(configure: {
      $0.maximumPendingApprovals = 3
      $0.maximumPendingApprovalsPerParticipant = 2
      $0.maximumParticipants = 3
      $0.maximumMessages = 4
      $0.maximumSessionsPerHost = 1
    }) { world in
      let host = try await world.register()
      let shared = try await world.share(host: host)
      #expect(try await code { _ = try await world.share(host: host) } == .sessionLimit)
      let (a, b) = (try await world.join(shared, "a"), try await world.join(shared, "b"))
      #expect(try await code { _ = try await world.join(shared, "c") } == .sessionFull)
      _ = try await world.prompt(shared, a)
      _ = try await world.prompt(shared, a)
      #expect(try await code { _ = try await world.prompt(shared, a) } == .approvalLimit)
      _ = try await world.prompt(shared, b)
      #expect(try await code { _ = try await world.prompt(shared, shared.host) } == .approvalLimit)
      _ = try await world.one.sessions.postMessage(shared.id, credentials: a, text: "x")
      #expect(
        try await code { _ = try await world.one.sessions.postMessage(shared.id, credentials: a, text: "x") }
          == .messageLimit)
    }
  }

  @Test func messagesArePagedOldestFirst() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      for i in 0..<7 {
        _ = try await world.one.sessions.postMessage(shared.id, credentials: shared.host, text: "m\(i)")
      }
      var texts: [String] = []
      var cursor: String?
      repeat {
        let page = try json(await world.two.sessions.messages(shared.id, reader: .trusted, after: cursor, limit: 3))
        texts += page["messages"]?.elements.compactMap { $0["text"]?.string } ?? []
        cursor = page["nextCursor"]?.string
      } while cursor != nil
      #expect(texts == (0..<7).map { "m\($0)" })
    }
  }
}
