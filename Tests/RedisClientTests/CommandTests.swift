import NIOCore
import RedisClient
import TestSupport
import Testing

@Suite("Commands against a real server", .timeLimit(.minutes(2)))
struct CommandTests {
  @Test("a command returns its reply, an error reply is thrown")
  func sendsCommands() async throws {
    try await withServerAndClient { _, client in
      try await client.send(RedisCommand("SET", "key", "value"), key: "key").expectOK()
      #expect(try await client.send(RedisCommand("GET", "key"), key: "key").expectString() == "value")
      #expect(try await client.send(RedisCommand("GET", "none"), key: nil).isNull)
      #expect(try await client.send(RedisCommand("INCRBY", "number", 12_345), key: nil) == .integer(12_345))
      let error = await #expect(throws: RedisError.self) {
        try await client.send(RedisCommand("LPUSH", "key", "x"), key: "key")
      }
      #expect(error?.code == .server)
      #expect(error?.serverErrorPrefix == "WRONGTYPE")
    }
  }

  @Test("replies go to their callers with many commands under way")
  func keepsOrder() async throws {
    try await withServerAndClient { _, client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<2_000 {
          group.addTask {
            let reply = try await client.send(RedisCommand("ECHO", .integer(number)), key: nil)
            #expect(reply.integer == number)
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("arguments hold any bytes")
  func binary() async throws {
    try await withServerAndClient { _, client in
      let bytes = ByteBuffer(bytes: (0...255).map { UInt8($0) } + Array("\r\n$3\r\n".utf8))
      try await client.send(RedisCommand("SET", "k", .bytes(bytes)), key: nil).expectOK()
      #expect(try await client.send(RedisCommand("GET", "k"), key: nil).expectBytes() == bytes)
    }
  }

  @Test("a script is sent by name, and once with its source when Redis does not know it")
  func scripts() async throws {
    try await withServerAndClient { _, client in
      let script = RedisScript(
        name: "echo", source: "#!lua flags=no-writes\nreturn {KEYS[1], ARGV[1]}", isReadOnly: true)
      for round in 0..<3 {
        let reply = try await client.evaluate(script, keys: ["a"], arguments: [.integer(round)])
        #expect(reply == .array([.bytes(ByteBuffer(string: "a")), .bytes(ByteBuffer(string: "\(round)"))]))
      }
      let known = try await client.send(RedisCommand("SCRIPT", "EXISTS", .string(script.sha1)), key: nil)
      #expect(known == .array([.integer(1)]))
      try await client.send(RedisCommand("SCRIPT", "FLUSH"), key: nil).expectOK()
      #expect(try await client.evaluate(script, keys: ["b"], arguments: ["x"]).expectArray(minimumCount: 2).count == 2)
    }
  }

  @Test("a published message arrives at every subscription of the channel, in order")
  func subscribes() async throws {
    try await withServerAndClient { _, client in
      let first = Heard()
      let second = Heard()
      let one = try await client.subscribe(to: "ch") { first.append($0) }
      let two = try await client.subscribe(to: "ch") { second.append($0) }
      for number in 0..<100 {
        _ = try await client.send(RedisCommand("SPUBLISH", "ch", .integer(number)), key: "ch")
      }
      let expected = (0..<100).map(String.init)
      try await eventually("both heard all") { first.messages == expected && second.messages == expected }
      one.cancel()
      two.cancel()
      try await eventually("nobody is subscribed") {
        try await client.send(RedisCommand("PUBSUB", "SHARDCHANNELS"), key: nil) == .array([])
      }
    }
  }

  @Test("the probe passes on a healthy server")
  func probes() async throws {
    try await withServerAndClient { _, client in _ = try await client.probe(within: patience) }
  }
}
