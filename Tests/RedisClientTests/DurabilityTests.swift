import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
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

  @Test("without a number a majority of the replicas that the server names must confirm, also of those that come later")
  func majority() async throws {
    try await withRedisServer(.init(port: 0)) { primary in
      let port = try #require(primary.port)
      let lines = ["replicaof 127.0.0.1 \(port)", "repl-diskless-sync-delay 0"]
      try await withRedisServer(.init(configuration: lines)) { _ in
        var configuration = primary.configuration
        configuration.durability = .replicated(replicas: nil, timeout: .milliseconds(500))
        try await withClient(configuration) { client in
          func failure() async -> String? {
            do throws(RedisError) {
              _ = try await client.evaluate(write, keys: ["n"], arguments: [])
              return nil
            } catch { return error.message }
          }
          try await eventually("the only replica is enough", within: .seconds(40)) { await failure() == nil }
          try await withRedisServer(.init(configuration: lines)) { second in
            try await eventually("the second one is counted", within: .seconds(40)) {
              second.freeze()
              defer { second.thaw() }
              return await failure()?.contains("1 of 2") == true
            }
            try await eventually("both confirm", within: .seconds(40)) { await failure() == nil }
          }
        }
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
        var reading = replica.configuration
        reading.acceptsReplica = true
        try await withClient(reading) { client in
          let count = try await client.send(RedisCommand("GET", "n"), key: nil)
          #expect(count.integer == 400)
        }
      }
    }
  }

  @Test("while a replica hangs, reads, leases, probes and messages go on, and every waiting write gets its answer")
  func hangingReplica() async throws {
    let renew = RedisScript(
      name: "renew", source: "#!lua\nreturn redis.call('INCR', KEYS[1])", waitsForReplicas: false)
    try await withRedisServer(.init(port: 0)) { primary in
      let port = try #require(primary.port)
      try await withRedisServer(.init(configuration: ["replicaof 127.0.0.1 \(port)"])) { replica in
        var configuration = primary.configuration
        configuration.durability = .replicated(replicas: 1, timeout: .seconds(50))
        // One event loop: without connections of their own the waiting writes would be in everybody's way.
        try await withClient(configuration, group: MultiThreadedEventLoopGroup.singleton.next()) { client in
          try await eventually("the replica is in step", within: .seconds(40)) {
            try await client.send(RedisCommand("WAIT", 1, 10), key: nil) == .integer(1)
          }
          #expect(try await client.evaluate(write, keys: ["n"], arguments: []).integer == 1)
          replica.freeze()
          let hasAnswer = NIOLockedValueBox(false)
          let waiting = Task {
            defer { hasAnswer.withLockedValue { $0 = true } }
            return try await client.evaluate(write, keys: ["n"], arguments: []).integer
          }
          try await eventually("the write is there") {
            try await client.evaluate(read, keys: ["n"], arguments: []).integer == 2
          }
          #expect(try await client.send(RedisCommand("SET", "lease", "1"), key: nil) == .status("OK"))
          #expect(try await client.evaluate(renew, keys: ["m"], arguments: []).integer == 1)
          try await client.probe(within: .seconds(40))
          #expect(!hasAnswer.withLockedValue { $0 }, "all that did not wait for the replica")
          replica.thaw()
          #expect(try await waiting.value == 2)
        }
      }
    }
  }

  @Test("with a replica that hangs, writes that come one after the other share a WAIT and all fail as not replicated")
  func manyWritesWithAHangingReplica() async throws {
    try await withRedisServer(.init(port: 0)) { primary in
      let port = try #require(primary.port)
      try await withRedisServer(.init(configuration: ["replicaof 127.0.0.1 \(port)"])) { replica in
        var configuration = primary.configuration
        configuration.durability = .replicated(replicas: 1, timeout: .milliseconds(300))
        try await withClient(configuration, group: MultiThreadedEventLoopGroup.singleton.next()) { client in
          try await eventually("the replica is in step", within: .seconds(40)) {
            try await client.send(RedisCommand("WAIT", 1, 10), key: nil) == .integer(1)
          }
          replica.freeze()
          let codes = await withTaskGroup(of: RedisError.Code?.self) { group in
            for number in 1...100 {
              group.addTask {
                do throws(RedisError) {
                  _ = try await client.evaluate(write, keys: ["n"], arguments: [])
                  return nil
                } catch { return error.code }
              }
              // The next one is given in another turn of the loop.
              _ = try? await client.send(RedisCommand("ECHO", .integer(number)), key: nil)
            }
            return await group.reduce(into: []) { $0.append($1) }
          }
          #expect(codes.count == 100 && codes.allSatisfy { $0 == .notReplicated })
          #expect(try await client.evaluate(read, keys: ["n"], arguments: []).integer == 100)
          replica.thaw()
        }
      }
    }
  }
}
