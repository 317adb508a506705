import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// How long a session lives, and that everything of it goes together. Nobody waits here but for keys whose end is set.
@Suite struct LifetimeTests {
  /// Random histories over two nodes; a failure names its seed.
  @Test(arguments: Array(UInt64(1)...8)) func whateverHappensASessionEndsForEveryCallAndLeavesNothing(
    seed: UInt64
  ) async throws {
    try await withWorld(configure: { $0.maximumLifetime = .seconds(7_200) }) { world in
      let shared = try await world.share(minutes: 30)
      try await withBridge(world, shared) { bridge in
        let history = LifetimeHistory(world: world, shared: shared, bridge: bridge, seed: seed)
        for _ in 0..<60 { try await history.step() }
        try await history.end()
        for _ in 0..<15 { try await history.step() }
        try await history.expectRefusals(.sessionInactive)
        try await history.vanish()
        try await history.expectRefusals(.sessionNotFound)
        #expect(try await world.sessionKeys(shared.id).isEmpty, "seed \(seed): a key has come back")
      }
    }
  }

  @Test func afterTheRetentionEveryKeyIsGoneAtOnce() async throws {
    try await withWorld(configure: { $0.retention = .milliseconds(400) }) { world in
      let shared = try await world.shareWithAllKeys()
      #expect(Set(try await world.sessionKeys(shared.id).keys) == world.allKeys(of: shared.id))
      _ = try await world.two.sessions.close(shared.id, credentials: shared.host)
      let before = Set(try await world.sessionKeys(shared.id).keys)
      var seen: Set<Set<String>> = [before]
      try await eventually("the session's keys are gone") {
        let now = Set(try await world.sessionKeys(shared.id).keys)
        seen.insert(now)
        return now.isEmpty
      }
      #expect(seen.isSubset(of: [before, []]), "some keys have outlived others")
      #expect(
        try await code { _ = try await world.one.sessions.close(shared.id, credentials: shared.host) }
          == .sessionNotFound)
      let state = try await world.one.sessions.runner.session(ScriptLibrary.sessionEndStep, shared.id)
      #expect(state.refusal == ErrorCode.sessionNotFound.rawValue)
      #expect(try await world.sessionKeys(shared.id).isEmpty)
    }
  }

  @Test func changingTheExpiryMovesTheEndOfEveryKey() async throws {
    try await withWorld { world in
      let shared = try await world.shareWithAllKeys()
      for minutes: Int64 in [5, 600, 0, 1] {
        _ = try await world.one.sessions.update(
          shared.id, credentials: shared.host, mode: nil, expiresInMinutes: minutes)
        let keys = try await world.sessionKeys(shared.id)
        #expect(keys.count == 14)
        #expect(Set(keys.values) == [try await world.number(shared.id, "purgeAt")])
      }
    }
  }

  @Test func extendingNeverGoesBeyondTheLongestLife() async throws {
    try await withWorld(configure: { $0.maximumLifetime = .seconds(3_600) }) { world in
      let shared = try await world.share(minutes: 60)
      let key = world.keys.session(shared.id)
      let now = try await world.one.sessions.runner.now()
      for age in [10, 30, 59] {
        let createdAt = now - age * 60_000
        _ = try await world.redis.send(RedisCommand("HSET", .string(key), "createdAt", .integer(createdAt)), key: key)
        for minutes: Int64 in [60, 60, 0, 45] {
          _ = try await world.two.sessions.update(
            shared.id, credentials: shared.host, mode: nil, expiresInMinutes: minutes)
          let ends = try await world.number(shared.id, "endsAt")
          #expect(ends <= createdAt + 3_600_000)
          #expect(try await world.ttl(key) <= ends - now + 7 * 86_400_000)
        }
      }
      #expect(
        try await code {
          _ = try await world.one.sessions.update(
            shared.id, credentials: shared.host, mode: nil, expiresInMinutes: 61)
        } == .invalidField)
    }
  }

  @Test func aCreationWhoseNodeDiedBeforeTheSessionGivesItsIdBack() async throws {
    try await withWorld { world in
      let host = try await world.register()
      let (index, id) = (world.one.sessions.index, Secrets.newID())
      _ = try await world.one.sessions.runner.host(
        ScriptLibrary.hostShare, host.id, ["id": .string(id), "most": 1, "token_needed": "false"]
      ).parts()
      try await index.noteBeginning(id, hostSessionID: host.id).get()
      #expect(try await index.check("\(id) \(host.id)", now: try await index.runner.now()) == nil)
      let listed = try json(await world.two.hostSessions.get(host.id))["hostSession"]?["sharedSessionIds"]
      #expect(listed?.elements.isEmpty == true)
      #expect(try await world.sessionKeys(id).isEmpty)
    }
  }

  @Test func aCreationWhoseNodeDiedBeforeTheListsIsListed() async throws {
    try await withWorld { world in
      let shared = try await world.share(minutes: 10)
      let (keys, index) = (world.keys, world.one.sessions.index)
      let bucket = KeyLayout.bucket(of: shared.id)
      // Everything that comes after `session_create` is undone, and what comes before it is there.
      let lists = [
        keys.allSessions, keys.activeSessions, keys.workspaceSessions("default"),
        keys.sessionsOfHost(shared.hostSessionID), keys.deadlines(bucket: bucket), keys.listings(bucket: bucket),
      ]
      for list in lists {
        let removed = try await world.redis.send(RedisCommand("DEL", .string(list)), key: list)
        #expect(removed.integer == 1, "\(list) was not there")
      }
      try await index.noteBeginning(shared.id, hostSessionID: shared.hostSessionID).get()
      let entry = "\(shared.id) \(shared.hostSessionID)"
      _ = try await index.check(entry, now: try await index.runner.now())
      for list in lists {
        let members = try await world.redis.send(RedisCommand("ZRANGE", .string(list), "0", "-1"), key: list)
        #expect(members.array?.compactMap(\.string).map { String($0.prefix(36)) } == [shared.id], "\(list)")
      }
      for filter in [
        SessionFilter(), SessionFilter(hostSessionID: shared.hostSessionID), SessionFilter(status: .active),
      ] {
        let listed = try json(await world.two.sessions.list(filter))["sessions"]
        #expect(listed?.elements.map { $0["id"]?.string } == [shared.id])
      }
    }
  }
}
