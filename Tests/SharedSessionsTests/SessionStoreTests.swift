import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

@Suite struct SessionStoreTests {
  @Test func aNewSessionHasItsHostItsEventsAndAnEndOnEveryKey() async throws {
    try await withWorld { world in
      let shared = try await world.share(minutes: 10)
      let body = try json(await world.two.sessions.snapshot(shared.id, reader: .trusted))
      #expect(body["session"]?["mode"]?.string == "prompt_with_approval")
      #expect(body["session"]?["approvalRequired"]?.bool == true)
      #expect(body["session"]?["status"]?.string == "active")
      #expect(body["session"]?["expiresAt"]?.string?.hasSuffix("Z") == true)
      #expect(body["participants"]?.elements.count == 1)
      #expect(body["participants"]?.elements[0]["role"]?.string == "host")
      #expect(body["participants"]?.elements[0]["accessToken"] == nil)
      #expect(try await world.types(shared.id) == ["shared_session_created", "participant_joined"])
      let collaborator = try await world.join(shared, "carl")
      _ = try await world.one.sessions.postMessage(shared.id, credentials: collaborator, text: "hi")
      let approval = try await world.prompt(shared, collaborator)
      try await world.approve(shared, approval)
      let purge = try await world.ttl(world.keys.session(shared.id))
      #expect(purge > 7 * 86_400_000 && purge <= 7 * 86_400_000 + 600_000)
      for key in [SessionKey.events, .participants, .credentials, .users, .messages, .approvals, .order, .queue] {
        #expect(abs(try await world.ttl(world.keys.session(shared.id, key)) - purge) < 30_000, "\(key)")
      }
    }
  }

  @Test func tokensAreKeptOnlyAsDigests() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let joined = try await world.join(shared, "carl")
      for secret in [shared.host.token, shared.invite, shared.hostToken, joined.token] {
        #expect(secret.utf8.count == 43)
        for key in [
          world.keys.session(shared.id), world.keys.session(shared.id, .participants),
          world.keys.session(shared.id, .credentials), world.keys.host(shared.hostSessionID),
        ] {
          let hash = try await world.redis.send(RedisCommand("HVALS", .string(key)), key: key)
          #expect(hash.array?.contains { $0.string?.contains(secret) == true } == false)
        }
      }
    }
  }

  @Test func theHostsIdentityCannotBeJoined() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      #expect(try await code { _ = try await world.join(shared, "hana") } == .hostIdentityReserved)
      #expect(try await code { _ = try await world.join(shared, "hana", role: .host) } == .hostIdentityReserved)
      let joined = try await world.join(shared, "carl", role: .host)
      let participants = try json(await world.one.sessions.participants(shared.id, reader: .trusted))
      #expect(participants["participants"]?.elements.map { $0["role"]?.string } == ["host", "collaborator"])
      #expect(
        try await code {
          _ = try await world.one.sessions.update(
            shared.id, credentials: joined, mode: .viewOnly, expiresInMinutes: nil)
        } == .hostRequired)
    }
  }

  @Test func joiningAgainGivesAFurtherTokenAndOnlyEightStayValid() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let first = try await world.join(shared, "carl")
      var later: [ParticipantCredentials] = []
      for _ in 0..<9 { later.append(try await world.join(shared, "carl")) }
      #expect(Set(later.map(\.participantID)) == [first.participantID])
      // The first one is the one that made the participant; whoever has nothing but the invite never pushes it out.
      var valid: [Bool] = []
      for credentials in [first] + later {
        let refusal = try await code {
          _ = try await world.one.sessions.postMessage(shared.id, credentials: credentials, text: "x")
        }
        valid.append(refusal == nil)
      }
      #expect(valid == [true, false, false] + [Bool](repeating: true, count: 7))
      #expect(try await world.types(shared.id).filter { $0 == "participant_joined" }.count == 2)
    }
  }

  @Test func aTokenGivenForTheParticipantsOwnIsNotPushedOutByAnInvite() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let first = try await world.join(shared, "carl")
      let again = try credentials(
        json(
          await world.one.sessions.join(
            shared.id, JoinSession(inviteToken: shared.invite, userID: "carl", credentials: first)))["participant"])
      for _ in 0..<12 { _ = try await world.join(shared, "carl") }
      for credentials in [first, again] {
        _ = try await world.one.sessions.postMessage(shared.id, credentials: credentials, text: "x")
      }
    }
  }

  /// A scoped invite never leads to somebody who is there, whatever `join.reuse` says.
  @Test func aScopedInviteNeverYieldsCredentialsOfSomebodyPresent() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let made = try json(
        await world.one.sessions.createInvite(
          shared.id, CreateInvite(role: .viewer, maximumUses: 1), credentials: shared.host))
      let token = try need(made["inviteToken"]?.string)
      for credentials in [nil, carl] {
        let request = JoinSession(inviteToken: token, userID: "carl", credentials: credentials)
        #expect(try await code { _ = try await world.two.sessions.join(shared.id, request) } == .userAlreadyJoined)
      }
      let joined = try json(
        await world.two.sessions.join(shared.id, JoinSession(inviteToken: token, userID: "vera")))
      #expect(joined["participant"]?["role"]?.string == "viewer")
    }
  }

  @Test func strictReuseNeedsTheParticipantsOwnCredentials() async throws {
    try await withWorld(configure: { $0.joinReuse = .strict }) { world in
      let shared = try await world.share()
      let first = try await world.join(shared, "carl")
      let other = try await world.join(shared, "olga")
      #expect(try await code { _ = try await world.join(shared, "carl") } == .userAlreadyJoined)
      func again(_ credentials: ParticipantCredentials) async throws -> ErrorCode? {
        try await code {
          _ = try await world.one.sessions.join(
            shared.id, JoinSession(inviteToken: shared.invite, userID: "carl", credentials: credentials))
        }
      }
      #expect(try await again(other) == .userAlreadyJoined)
      #expect(try await again(first) == nil)
    }
  }

  @Test func checksAnswerInTheContractsOrder() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let gone = try await world.join(shared, "gone")
      _ = try await world.one.sessions.leave(shared.id, credentials: gone)
      func post(_ id: String, _ credentials: ParticipantCredentials) async throws -> ErrorCode? {
        try await code { _ = try await world.two.sessions.postMessage(id, credentials: credentials, text: "x") }
      }
      let nobody = ParticipantCredentials(participantID: Secrets.newID(), token: "x")
      #expect(try await post(Secrets.newID(), shared.host) == .sessionNotFound)
      #expect(try await post("{x}*\n", shared.host) == .sessionNotFound)
      #expect(try await post(shared.id, nobody) == .participantNotFound)
      #expect(try await post(shared.id, .init(participantID: "a}b", token: "x")) == .participantNotFound)
      #expect(
        try await post(shared.id, .init(participantID: shared.host.participantID, token: ""))
          == .invalidParticipantToken)
      #expect(try await post(shared.id, gone) == .participantInactive)
      let other = try await world.share()
      #expect(try await post(shared.id, other.host) == .participantNotFound)
      _ = try await world.one.sessions.close(shared.id, credentials: shared.host)
      #expect(try await post(shared.id, nobody) == .sessionInactive)
    }
  }

  @Test func closingEndsEverythingThatIsOpenInOrder() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let approved = try await world.prompt(shared, carl, "first")
      try await world.approve(shared, approved)
      let pending = try await world.prompt(shared, carl, "second")
      let body = try json(await world.two.sessions.close(shared.id, credentials: shared.host))
      #expect(body["closed"]?.bool == true)
      #expect(body["session"]?["status"]?.string == "closed")
      let events = try await world.events(shared.id).suffix(3)
      #expect(events.map(\.type) == ["prompt_expired", "prompt_dispatch_failed", "session_closed"])
      #expect(events.first?.payload["approval"]?["id"]?.string == pending)
      #expect(events.first?.payload["approval"]?["status"]?.string == "expired")
      #expect(events.dropFirst().first?.payload["approvalId"]?.string == approved)
      #expect(events.dropFirst().first?.payload["error"]?.string == "session closed")
      #expect(events.last?.payload["status"]?.string == "closed")
      #expect(
        try await code { _ = try await world.one.sessions.close(shared.id, credentials: shared.host) }
          == .sessionInactive)
      let listed = try json(await world.one.sessions.list(SessionFilter(hostSessionID: shared.hostSessionID)))
      #expect(listed["sessions"]?.elements.map { $0["status"]?.string } == ["closed"])
    }
  }

  @Test func aHostThatLeavesClosesTheSession() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let body = try json(await world.two.sessions.leave(shared.id, credentials: shared.host))
      #expect(body["participant"]?["leftAt"]?.string != nil)
      #expect(try await world.types(shared.id).suffix(2) == ["participant_left", "session_closed"])
    }
  }

  @Test func expiryIsTrueAtOnceAndSweptExactlyOnce() async throws {
    try await withWorld(sweeping: true) { world in
      let shared = try await world.share(minutes: 1)
      // The deadline is moved in Redis, since no test waits for a minute.
      let soon = try await world.one.sessions.runner.now() + 30
      try await world.setEnd(shared.id, soon)
      let bucket = world.keys.deadlines(bucket: KeyLayout.bucket(of: shared.id))
      _ = try await world.redis.send(
        RedisCommand("ZADD", .string(bucket), .integer(soon), .string(shared.id)), key: bucket)
      try await eventually("the session is closed") { try await world.types(shared.id).last == "session_closed" }
      #expect(try await world.events(shared.id).last?.payload["status"]?.string == "expired")
      try await eventually("the deadline is gone") {
        try await world.redis.send(RedisCommand("ZSCORE", .string(bucket), .string(shared.id)), key: bucket).isNull
      }
      #expect(try await world.types(shared.id).filter { $0 == "session_closed" }.count == 1)
    }
  }

  @Test func anExpiredSessionIsExpiredBeforeAnythingHasSweptIt() async throws {
    try await withWorld { world in
      let shared = try await world.share(minutes: 1)
      try await world.setEnd(shared.id, 1)
      #expect(
        try await code { _ = try await world.two.sessions.snapshot(shared.id, reader: .trusted) } == .sessionInactive)
      let listed = try json(await world.two.sessions.list(SessionFilter(status: .expired)))
      #expect(listed["sessions"]?.elements.map { $0["id"]?.string } == [shared.id])
      #expect(
        try json(await world.two.sessions.list(SessionFilter(status: .active)))["sessions"]?.elements.isEmpty == true)
      #expect(try await world.types(shared.id).count == 2)
    }
  }

  @Test func aListIsPagedNewestFirstAndFiltered() async throws {
    try await withWorld { world in
      let host = try await world.register("box-1")
      var ids: [String] = []
      for _ in 0..<7 { ids.append(try await world.share(host: host).id) }
      _ = try await world.share()
      var seen: [String] = []
      var cursor: String?
      repeat {
        let page = try json(
          await world.two.sessions.list(SessionFilter(hostSessionID: "box-1", limit: 3, cursor: cursor)))
        seen += page["sessions"]?.elements.compactMap { $0["id"]?.string } ?? []
        cursor = page["nextCursor"]?.string
      } while cursor != nil
      #expect(Set(seen) == Set(ids) && seen.count == ids.count)
      #expect(try await code { _ = try await world.one.sessions.list(SessionFilter(cursor: "x")) } == .invalidQuery)
    }
  }

  @Test func anIdempotentCreateAnswersAlikeAndMakesOneSession() async throws {
    try await withWorld { world in
      let host = try await world.register()
      let request = CreateSession(hostSessionID: host.id, hostUserID: "hana")
      let key = IdempotencyRequest(key: "k1", route: "POST /s", caller: "me", body: ByteBuffer(string: "{}"))
      let first = try await world.one.sessions.create(request, idempotency: key)
      let second = try await world.two.sessions.create(request, idempotency: key)
      #expect(String(buffer: first) == String(buffer: second))
      var other = key
      other.body = ByteBuffer(string: "{ }")
      let changed = other
      #expect(
        try await code { _ = try await world.two.sessions.create(request, idempotency: changed) }
          == .idempotencyKeyReused)
      let listed = try json(await world.one.sessions.list(SessionFilter()))
      #expect(listed["sessions"]?.elements.count == 1)
      let shared = try json(first)
      _ = try await world.two.sessions.postMessage(
        try need(shared["session"]?["id"]?.string), credentials: try credentials(shared["hostParticipant"]), text: "x")
    }
  }
}
