import RedisClient
import Testing

@testable import SharedSessions

/// Nodes of different layouts never work on the same keys.
struct LayoutTests {
  @Test func aFirstNodeNotesTheLayoutAndTheNextOneFindsIt() async throws {
    try await withWorld { world in
      try await world.one.checkLayout()
      try await world.two.checkLayout()
      let key = world.keys.layout
      let kept = try await world.redis.send(RedisCommand("GET", .string(key)), key: key).string
      #expect(kept == KeyLayout.version)
      #expect(try await world.ttl(key) > 37 * 86_400_000)
    }
  }

  @Test func copiesAreWrittenAndRefusedLikeTheFirst() async throws {
    try await withWorld { world in
      try await world.one.checkLayout()
      for copy in world.keys.layoutCopies {
        let kept = try await world.redis.send(RedisCommand("GET", .string(copy)), key: copy).string
        #expect(kept == KeyLayout.version)
        #expect(try await world.ttl(copy) > 37 * 86_400_000)
      }
      let copy = world.keys.layoutCopies[3]
      _ = try await world.redis.send(RedisCommand("SET", .string(copy), "99"), key: copy)
      let refusal = await #expect(throws: SharedSessionError.self) { try await world.two.checkLayout() }
      #expect(refusal?.message.contains("layout 99") == true)
    }
  }

  @Test func aNodeRefusesKeysOfAnotherLayout() async throws {
    try await withWorld { world in
      let key = world.keys.layout
      _ = try await world.redis.send(RedisCommand("SET", .string(key), "99"), key: key)
      let refusal = await #expect(throws: SharedSessionError.self) { try await world.one.checkLayout() }
      #expect(refusal?.message.contains("layout 99") == true)
    }
  }

  /// The first version wrote no number.
  @Test func sessionsWithoutANumberAreOfAnotherLayout() async throws {
    try await withWorld { world in
      let key = world.keys.allSessions
      _ = try await world.redis.send(RedisCommand("ZADD", .string(key), "1", "x"), key: key)
      let refusal = await #expect(throws: SharedSessionError.self) { try await world.one.checkLayout() }
      #expect(refusal?.message.contains("layout 1") == true)
    }
  }
}
