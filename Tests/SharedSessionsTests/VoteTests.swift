import JSONText
import NIOCore
import TestSupport
import Testing

@testable import SharedSessions

/// Where more than one has to agree to a prompt.
@Suite struct VoteTests {
  /// A session in which two have to agree, its host, two delegates and an author who may decide as well.
  private struct Council: Sendable {
    let world: World
    let shared: Shared
    let dora: ParticipantCredentials
    let emil: ParticipantCredentials
    let author: ParticipantCredentials

    init(_ world: World, needed: Int64 = 2) async throws {
      self.world = world
      shared = try await world.share()
      var people: [ParticipantCredentials] = []
      for user in ["dora", "emil", "anna"] {
        let joined = try await world.join(shared, user)
        _ = try await world.one.sessions.changeRole(
          shared.id, participantID: joined.participantID, role: nil, canApprove: true, credentials: shared.host)
        people.append(joined)
      }
      (dora, emil, author) = (people[0], people[1], people[2])
      try await need(needed)
    }

    @discardableResult
    func need(_ count: Int64) async throws -> JSONText {
      let body = try await world.one.sessions.update(
        shared.id, credentials: shared.host, mode: nil, expiresInMinutes: nil, approvalsNeeded: count)
      return try SharedSessionsTests.need(json(body)["session"])
    }

    func vote(
      _ id: String, _ who: ParticipantCredentials, _ action: ApprovalAction = .approve, edited: String? = nil,
      hash: String? = nil, node: Int = 1
    ) async throws(SharedSessionError) -> JSONText {
      let body = try await world.nodes[node].approvals.resolve(
        shared.id, approvalID: id, credentials: who, action: action, reason: nil, editedPrompt: edited,
        promptHash: hash)
      guard let approval = (try? JSONText(validating: body))?["approval"] else {
        throw SharedSessionError(.internalError)
      }
      return approval
    }

    func proposed(_ text: String = "go") async throws -> String { try await world.prompt(shared, author, text) }

    func events(_ types: String...) async throws -> [(type: String, payload: JSONText)] {
      try await world.events(shared.id).filter { types.contains($0.type) }
    }
  }

  @Test func aPromptIsApprovedByTheVoteThatWasMissing() async throws {
    try await withWorld { world in
      let council = try await Council(world)
      let id = try await council.proposed()
      let first = try await council.vote(id, council.dora)
      #expect(first["status"]?.string == "pending")
      #expect(first["votes"]?.integer == 1)
      #expect(try await code { _ = try await council.vote(id, council.dora) } == .alreadyVoted)
      let second = try await council.vote(id, council.shared.host, node: 0)
      #expect(second["status"]?.string == "approved")
      #expect(second["votes"]?.integer == 2)
      #expect(second["dispatch"]?["state"]?.string == "queued")
      let told = try await council.events("prompt_vote", "prompt_approved")
      #expect(told.map(\.type) == ["prompt_vote", "prompt_approved"])
      #expect(told[0].payload["approvalId"]?.string == id)
      #expect(told[0].payload["participant"]?["userId"]?.string == "dora")
      #expect(told[0].payload["votes"]?.integer == 1)
      #expect(told[0].payload["needed"]?.integer == 2)
    }
  }

  @Test func oneRejectionRejectsAndTheAuthorsOwnVoteDoesNotCount() async throws {
    try await withWorld { world in
      let council = try await Council(world)
      let id = try await council.proposed()
      #expect(try await council.vote(id, council.author)["votes"]?.integer == 0)
      #expect(try await code { _ = try await council.vote(id, council.author) } == .alreadyVoted)
      #expect(try await council.vote(id, council.dora)["status"]?.string == "pending")
      #expect(try await council.vote(id, council.emil, .reject)["status"]?.string == "rejected")
      #expect(try await code { _ = try await council.vote(id, council.shared.host) } == .approvalAlreadyResolved)
    }
  }

  @Test func anEditIsAnotherProposalForEverybody() async throws {
    try await withWorld { world in
      let council = try await Council(world)
      let id = try await council.proposed("rm -rf build")
      _ = try await council.vote(id, council.dora)
      let edited = try await council.vote(id, council.emil, edited: "make clean")
      #expect(edited["votes"]?.integer == 1)
      #expect(edited["editedPrompt"]?.string == "make clean")
      let old = Secrets.digest("rm -rf build")
      #expect(try await code { _ = try await council.vote(id, council.dora, hash: old) } == .promptChanged)
      let approved = try await council.vote(id, council.dora, hash: Secrets.digest("make clean"))
      #expect(approved["status"]?.string == "approved")
      #expect(approved["editedPrompt"]?.string == "make clean")
      try await withBridge(world, council.shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        #expect(dispatch["prompt"]?.string == "make clean")
      }
    }
  }

  @Test func aLowerNumberApprovesWhatHasEnoughInTheSameStep() async throws {
    try await withWorld { world in
      let council = try await Council(world, needed: 3)
      let (both, one, own) = (try await council.proposed(), try await council.proposed(), try await council.proposed())
      for who in [council.dora, council.emil] { _ = try await council.vote(both, who) }
      _ = try await council.vote(one, council.dora)
      _ = try await council.vote(own, council.author, edited: "mine")
      let session = try await council.need(2)
      #expect(session["approvalsNeeded"]?.integer == 2)
      func statuses() async throws -> [String?] {
        let list = try need(json(await world.two.sessions.snapshot(council.shared.id, reader: .trusted))["approvals"])
        return [both, one, own].map { id in list.elements.first { $0["id"]?.string == id }?["status"]?.string }
      }
      #expect(try await statuses() == ["approved", "pending", "pending"])
      #expect(try await council.need(1)["approvalsNeeded"] == nil)
      #expect(try await statuses() == ["approved", "approved", "approved"])
      let approved = try await council.events("prompt_approved")
      #expect(approved.map { $0.payload["participant"]?["role"]?.string } == ["host", "host", "host"])
      try await withBridge(world, council.shared) { bridge in
        for text in ["go", "go", "mine"] {
          let dispatch = try await bridge.nextDispatch()
          #expect(dispatch["prompt"]?.string == text)
          try await bridge.report(dispatch, .started)
          try await bridge.report(dispatch, .completed)
        }
      }
    }
  }

  @Test func whoMayNoLongerDecideHasNoVote() async throws {
    try await withWorld { world in
      let council = try await Council(world, needed: 2)
      let (first, second) = (try await council.proposed(), try await council.proposed())
      _ = try await council.vote(first, council.dora)
      _ = try await council.vote(second, council.emil)
      let role = { (may: Bool) in
        _ = try await world.two.sessions.changeRole(
          council.shared.id, participantID: council.dora.participantID, role: nil, canApprove: may,
          credentials: council.shared.host)
      }
      try await role(false)
      _ = try await world.one.sessions.leave(council.shared.id, credentials: council.emil)
      let counts = try await council.events("prompt_vote").suffix(2).map { $0.payload["votes"]?.integer }
      #expect(counts == [0, 0])
      #expect(try await council.vote(first, council.shared.host)["status"]?.string == "pending")
      // Given back, it counts again, and is the one that was missing.
      try await role(true)
      let approved = try need(await council.events("prompt_approved").last)
      #expect(approved.payload["approval"]?["id"]?.string == first)
      #expect(approved.payload["approval"]?["votes"]?.integer == 2)
    }
  }

  @Test func oneIsEnoughWhereNothingElseIsSaidAndOfManyVotesTheLastOneApproves() async throws {
    try await withWorld { world in
      let council = try await Council(world, needed: 1)
      let id = try await council.proposed()
      #expect(try await council.vote(id, council.author)["status"]?.string == "approved")
      #expect(try await council.events("prompt_vote").isEmpty)
      try await council.need(2)
      for _ in 0..<6 {
        let id = try await council.proposed()
        let people = [council.shared.host, council.dora, council.emil]
        let outcomes = await withTaskGroup(of: String.self) { group in
          for (i, who) in people.enumerated() {
            group.addTask {
              do throws(SharedSessionError) {
                return try await council.vote(id, who, node: i % 2)["status"]?.string ?? ""
              } catch {
                return error.code.rawValue
              }
            }
          }
          return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.sorted() == ["APPROVAL_ALREADY_RESOLVED", "approved", "pending"])
        let told = try await world.events(council.shared.id).filter {
          ($0.payload["approvalId"] ?? $0.payload["approval"]?["id"])?.string == id
        }
        #expect(told.map(\.type) == ["prompt_pending_approval", "prompt_vote", "prompt_approved"])
      }
    }
  }
}
