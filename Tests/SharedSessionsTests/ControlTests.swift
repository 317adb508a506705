import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

@Suite struct ControlTests {
  @Test func aScopedInviteHasARoleAtMostUsesAndAnEnd() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      func make(_ request: CreateInvite) async throws -> (id: String, token: String) {
        let body = try json(await world.one.sessions.createInvite(shared.id, request, credentials: shared.host))
        return (try need(body["invite"]?["id"]?.string), try need(body["inviteToken"]?.string))
      }
      func join(_ token: String, _ user: String) async throws -> JSONText {
        try json(await world.two.sessions.join(shared.id, JoinSession(inviteToken: token, userID: user)))
      }
      let viewers = try await make(CreateInvite(role: .viewer, label: "all hands", maximumUses: 2))
      #expect(try await join(viewers.token, "v1")["participant"]?["role"]?.string == "viewer")
      _ = try await join(viewers.token, "v2")
      // Somebody who is there does not use it up, and it is used up for everybody else.
      #expect(try await code { _ = try await join(viewers.token, "v3") } == .invalidInviteToken)
      let ended = try await make(CreateInvite(expiresInMinutes: 1))
      try await world.replace(
        #/"expiresAt":"[^"]+"/#, with: #""expiresAt":"2000-01-01T00:00:00.000Z""#,
        in: world.keys.session(shared.id, .invites), ended.id)
      #expect(try await code { _ = try await join(ended.token, "e") } == .invalidInviteToken)
      let revoked = try await make(CreateInvite())
      _ = try await world.two.sessions.revokeInvite(shared.id, inviteID: revoked.id, credentials: shared.host)
      #expect(try await code { _ = try await join(revoked.token, "r") } == .invalidInviteToken)
      let listed = try json(await world.two.sessions.invites(shared.id, credentials: shared.host))
      #expect(listed["invites"]?.elements.map { $0["uses"]?.integer } == [2, 0, 0])
      #expect(listed["invites"]?.elements[0]["maxUses"]?.integer == 2)
      #expect(listed["invites"]?.elements[2]["revokedAt"] != nil)
      let guest = try await world.join(shared, "guest")
      #expect(
        try await code { _ = try await world.one.sessions.invites(shared.id, credentials: guest) } == .hostRequired)
    }
  }

  @Test func anInviteThatIsUsedUpSaysNothingAboutWhoTheHostIs() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let body = try json(
        await world.one.sessions.createInvite(shared.id, CreateInvite(maximumUses: 1), credentials: shared.host))
      let token = try need(body["inviteToken"]?.string)
      func join(_ user: String) async throws {
        _ = try await world.two.sessions.join(shared.id, JoinSession(inviteToken: token, userID: user))
      }
      #expect(try await code { try await join("hana") } == .hostIdentityReserved)
      try await join("guest")
      #expect(try await code { try await join("hana") } == .invalidInviteToken)
    }
  }

  @Test func aUsesLimitHoldsAgainstManyAtOnce() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let body = try json(
        await world.one.sessions.createInvite(shared.id, CreateInvite(maximumUses: 3), credentials: shared.host))
      let token = try need(body["inviteToken"]?.string)
      let joined = try await withThrowingTaskGroup(of: Bool.self) { group in
        for i in 0..<20 {
          group.addTask {
            let refused = try await code {
              _ = try await world.nodes[i % 2].sessions.join(
                shared.id, JoinSession(inviteToken: token, userID: "u\(i)"))
            }
            return refused == nil
          }
        }
        return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(joined == 3)
    }
  }

  @Test func aDelegateDecidesAndTheOneTooLateIsToldByWhom() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let (dora, carl) = (try await world.join(shared, "dora"), try await world.join(shared, "carl"))
      let approval = try await world.prompt(shared, carl)
      func decide(_ who: ParticipantCredentials) async throws {
        _ = try await world.two.approvals.resolve(
          shared.id, approvalID: approval, credentials: who, action: .approve, reason: nil, editedPrompt: nil)
      }
      #expect(try await code { try await decide(dora) } == .hostRequired)
      let body = try json(
        await world.one.sessions.changeRole(
          shared.id, participantID: dora.participantID, role: nil, canApprove: true, credentials: shared.host))
      #expect(body["participant"]?["canApprove"]?.bool == true)
      try await decide(dora)
      let late = await #expect(throws: SharedSessionError.self) { try await decide(shared.host) }
      #expect(late?.code == .approvalAlreadyResolved)
      #expect(late?.message.contains("approved by dora") == true)
      _ = try await world.one.sessions.changeRole(
        shared.id, participantID: dora.participantID, role: .viewer, credentials: shared.host)
      let people = try json(await world.two.sessions.participants(shared.id, reader: .trusted))
      #expect(people["participants"]?.elements[1]["canApprove"] == nil)
    }
  }

  @Test func nobodyGetsToDecideWithNothingButAnInvite() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let dora = try await world.join(shared, "dora")
      // Somebody else with the invite says that they are dora, before and after she may decide.
      let impostor = try await world.join(shared, "dora")
      #expect(impostor.participantID == dora.participantID)
      _ = try await world.one.sessions.changeRole(
        shared.id, participantID: dora.participantID, role: nil, canApprove: true, credentials: shared.host)
      #expect(
        try await code { _ = try await world.one.sessions.postMessage(shared.id, credentials: impostor, text: "x") }
          == .invalidParticipantToken)
      #expect(try await code { _ = try await world.join(shared, "dora") } == .userAlreadyJoined)
      _ = try await world.one.sessions.postMessage(shared.id, credentials: dora, text: "x")
      let late = try await world.join(shared, "late")
      var others: [ParticipantCredentials] = []
      for _ in 0..<8 { others.append(try await world.join(shared, "late")) }
      _ = try await world.one.sessions.handOver(
        shared.id, participantID: late.participantID, credentials: shared.host)
      for other in others {
        #expect(
          try await code { _ = try await world.one.sessions.close(shared.id, credentials: other) }
            == .invalidParticipantToken)
      }
      _ = try await world.one.sessions.close(shared.id, credentials: late)
    }
  }

  @Test func theHostsRoleIsHandedOverInOneStep() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let dora = try await world.join(shared, "dora")
      let impostor = try await world.join(shared, "dora")
      let body = try json(
        await world.two.sessions.handOver(shared.id, participantID: dora.participantID, credentials: shared.host))
      #expect(body["session"]?["hostUserId"]?.string == "dora")
      #expect(body["participant"]?["role"]?.string == "host")
      #expect(
        try await world.types(shared.id).suffix(3) == ["participant_updated", "participant_updated", "session_updated"])
      #expect(
        try await code {
          _ = try await world.one.sessions.update(
            shared.id, credentials: shared.host, mode: .viewOnly, expiresInMinutes: nil)
        } == .hostRequired)
      #expect(
        try await code { _ = try await world.one.sessions.close(shared.id, credentials: impostor) }
          == .invalidParticipantToken)
      #expect(try await code { _ = try await world.join(shared, "dora") } == .hostIdentityReserved)
      _ = try await world.one.sessions.close(shared.id, credentials: dora)
    }
  }
}
