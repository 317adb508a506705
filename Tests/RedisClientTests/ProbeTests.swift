import NIOCore
import RedisClient
import TestSupport
import Testing

@Suite("The readiness probe", .timeLimit(.minutes(2)))
struct ProbeTests {
  @Test("a server that takes no writes is not ready")
  func noWrites() async throws {
    try await withServerAndClient { _, client in
      try await client.probe(within: .seconds(20))
      try await client.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"), key: nil).expectOK()
      let error = await #expect(throws: RedisError.self) { try await client.probe(within: .seconds(20)) }
      #expect(error?.code == .server)
      #expect(error?.message.contains("a write") == true)
    }
  }

  @Test("a server that is gone is not ready, and ready again when it is back")
  func gone() async throws {
    try await withServerAndClient { server, client in
      try await client.probe(within: .seconds(20))
      server.kill()
      await #expect(throws: RedisError.self) { try await client.probe(within: .milliseconds(300)) }
      try await server.start()
      try await eventually("ready") { (try? await client.probe(within: .seconds(20))) != nil }
    }
  }

  @Test("a frozen server fails the probe at its limit, long before a command would time out")
  func frozen() async throws {
    try await withServerAndClient(configure: { $0.commandTimeout = .seconds(600) }) { server, client in
      try await client.probe(within: .seconds(20))
      server.freeze()
      let error = try await withDeadline("the probe ends", .seconds(60)) {
        await #expect(throws: RedisError.self) { try await client.probe(within: .milliseconds(100)) }
      }
      #expect(error?.code == .timedOut)
      server.thaw()
      try await client.probe(within: .seconds(20))
    }
  }

  @Test(
    "a server that delivers no messages is not ready, also when it acknowledges the subscription",
    arguments: [false, true])
  func deaf(acknowledges: Bool) async throws {
    try await withFakeAndClient(answer: { command, _ in
      switch command.first {
      case "SET": "+OK\r\n"
      case "GET": "$\(command[1].utf8.count)\r\n\(command[1])\r\n"
      case "SPUBLISH": ":0\r\n"
      case "SSUBSCRIBE" where acknowledges:
        "*3\r\n$10\r\nssubscribe\r\n$\(command[1].utf8.count)\r\n\(command[1])\r\n:1\r\n"
      default: nil
      }
    }) { _, client in
      _ = try await client.send(RedisCommand("PING"), key: nil)
      // Long enough for the write and the read before it on a busy machine: only the message is to be missing.
      let error = await #expect(throws: RedisError.self) { try await client.probe(within: .seconds(12)) }
      #expect(error?.code == .timedOut)
      #expect(error?.message.contains("publish and subscribe") == true)
    }
  }

  @Test("it leaves nothing behind but a key that expires")
  func leavesNothing() async throws {
    try await withServerAndClient(configure: { $0.probePrefix = "mine" }) { _, client in
      try await client.probe(within: .seconds(20))
      let keys = try await client.send(RedisCommand("KEYS", "*"), key: nil).expectArray()
      #expect(keys.count == 1)
      let name = try keys[0].expectString()
      #expect(name.hasPrefix("mine:probe:"))
      let life = try await client.send(RedisCommand("PTTL", .string(name)), key: nil).expectInteger()
      #expect(life > 0)
      try await eventually("unsubscribed") {
        try await client.send(RedisCommand("PUBSUB", "SHARDCHANNELS"), key: nil) == .array([])
      }
    }
  }
}
