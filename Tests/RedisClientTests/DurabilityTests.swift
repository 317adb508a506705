import NIOCore
import RedisClient
import TestSupport
import Testing

@Suite("Replicated durability", .timeLimit(.minutes(2)))
struct DurabilityTests {
  private let write = RedisScript(name: "write", source: "#!lua\nreturn redis.call('INCR', KEYS[1])")
  private let read = RedisScript(
    name: "read", source: "#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])", isReadOnly: true)

  @Test("with a replica a write is confirmed; without one it fails as not replicated, and is there")
  func replicas() async throws {
    try await withRedisServer { primary in
      var configuration = primary.configuration
      configuration.durability = .replicated(replicas: 1, timeout: .milliseconds(200))
      try await withClient(configuration) { client in
        let error = await #expect(throws: RedisError.self) {
          try await client.evaluate(write, keys: ["n"], arguments: [])
        }
        #expect(error?.code == .notReplicated)
        #expect(error?.mayHaveRun == true)
        #expect(error?.message.contains("0 of 1") == true)
        // Reads and plain commands need no replicas.
        let count = try await client.evaluate(read, keys: ["n"], arguments: [])
        #expect(count.integer == 1)
        let failing = RedisScript(name: "failing", source: "#!lua\nreturn redis.error_reply('MINE no')")
        let refusal = await #expect(throws: RedisError.self) {
          try await client.evaluate(failing, keys: ["n"], arguments: [])
        }
        #expect(refusal?.serverErrorPrefix == "MINE")
      }
    }
  }

  @Test("many writes at once are confirmed by few WAITs")
  func batches() async throws {
    try await withRedisServer(.init(port: 0)) { primary in
      let port = try #require(primary.port)
      try await withRedisServer(.init(configuration: ["replicaof 127.0.0.1 \(port)"])) { replica in
        var configuration = primary.configuration
        configuration.durability = .replicated(replicas: 1, timeout: .seconds(4))
        try await withClient(configuration) { client in
          try await eventually("the replica is in step", within: .seconds(40)) {
            try await client.send(RedisCommand("WAIT", 1, 10), key: nil) == .integer(1)
          }
          try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<400 {
              group.addTask { _ = try await client.evaluate(write, keys: ["n"], arguments: []) }
            }
            try await group.waitForAll()
          }
          let count = try await client.evaluate(read, keys: ["n"], arguments: [])
          #expect(count.integer == 400)
          let statistics = try await client.send(RedisCommand("INFO", "commandstats"), key: nil).expectString()
          let line = try #require(statistics.split(separator: "\r\n").first { $0.hasPrefix("cmdstat_wait:") })
          let calls = try #require(Int(line.dropFirst("cmdstat_wait:calls=".count).prefix { $0.isNumber }))
          #expect(calls < 400)
        }
        try await withClient(replica.configuration) { client in
          let count = try await client.send(RedisCommand("GET", "n"), key: nil)
          #expect(count.integer == 400)
        }
      }
    }
  }
}
