import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import RedisClient

/// Real nodes, whose slots move and whose primaries die.
@Suite("Cluster", .timeLimit(.minutes(4)))
struct ClusterTests {
  private let write = RedisScript(
    name: "write", source: "#!lua\nredis.call('INCR', KEYS[2])\nreturn redis.call('INCR', KEYS[1])")

  private func withCluster(
    replicas: Bool = false, nodeTimeout: Int = 30_000, lines: (Int, Int) -> [String] = { _, _ in [] },
    configure: (inout RedisClientConfiguration, RedisCluster) -> Void = { _, _ in },
    _ body: @Sendable (RedisCluster, RedisClient) async throws -> Void
  ) async throws {
    let cluster = try await RedisCluster.start(replicas: replicas, nodeTimeout: nodeTimeout, lines: lines)
    defer { cluster.stop() }
    var configuration = cluster.configuration
    configuration.commandTimeout = patience
    configure(&configuration, cluster)
    let settings = configuration
    try await withClient(settings) { client in try await body(cluster, client) }
  }

  /// A tag for each of the first three primaries.
  private static let tags: [String] = (0..<3).map { owner in
    (0...).lazy.map { "t\($0)" }.first { RedisCluster.firstOwner(of: HashSlot.of($0)) == owner } ?? ""
  }

  @Test("keys, scripts and channels are where their slots are, through any node")
  func everywhere() async throws {
    try await withCluster { cluster, client in
      for number in 0..<40 {
        try await client.send(RedisCommand("SET", .string("k\(number)"), .integer(number)), key: "k\(number)")
          .expectOK()
      }
      for number in 0..<40 {
        #expect(try await client.send(RedisCommand("GET", .string("k\(number)")), key: "k\(number)").integer == number)
      }
      for server in cluster.servers {
        let keys = try await server.ask("DBSIZE").integer
        #expect((keys ?? 0) > 3)
      }
      for tag in Self.tags {
        for round in 1...2 {
          let count = try await client.evaluate(write, keys: ["{\(tag)}a", "{\(tag)}b"], arguments: [])
          #expect(count == .integer(round))
        }
        let heard = Heard()
        let subscription = try await client.subscribe(to: "{\(tag)}live") { heard.append($0) }
        _ = try await client.send(RedisCommand("SPUBLISH", .string("{\(tag)}live"), "x"), key: "{\(tag)}live")
        try await eventually("heard") { heard.messages == ["x"] }
        subscription.cancel()
      }
      for _ in 0..<10 { #expect(try await client.send(RedisCommand("TIME"), key: nil).array?.count == 2) }
      let health = try await client.probe(within: patience)
      #expect(health == RedisHealth(tried: 3, failures: []))
      for server in cluster.servers {
        try await eventually("unsubscribed") { try await server.ask("PUBSUB", "SHARDCHANNELS") == .array([]) }
      }
    }
  }

  @Test("a slot that moves again and again under load loses and doubles nothing, and its channel follows")
  func moving() async throws {
    try await withCluster { cluster, client in
      let tag = Self.tags[0]
      let (slot, keys) = (HashSlot.of(tag), ["{\(tag)}a", "{\(tag)}b"])
      let heard = Heard()
      let subscription = try await client.subscribe(to: "{\(tag)}live") { heard.append($0) }
      defer { subscription.cancel() }
      let (done, written) = (NIOLockedValueBox(false), NIOLockedValueBox(0))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            while !done.withLockedValue({ $0 }) {
              do throws(RedisError) {
                _ = try await client.evaluate(write, keys: keys, arguments: [])
                written.withLockedValue { $0 += 1 }
              } catch {
                // While a slot is half way, a script may have to wait for longer than it follows.
                #expect(error.serverErrorPrefix == "TRYAGAIN", "\(error)")
              }
            }
          }
        }
        for (from, to) in [(0, 1), (1, 2), (2, 0), (0, 2)] {
          let before = written.withLockedValue { $0 }
          try await eventually("some writes") { written.withLockedValue { $0 } > before + 20 }
          try await cluster.move(slot: slot, from: from, to: to) {
            try await Task.sleep(for: .milliseconds(50))
          }
          let message = "at \(to)"
          try await eventually("the channel is heard at the new primary") {
            _ = try? await client.send(
              RedisCommand("SPUBLISH", .string("{\(tag)}live"), .string(message)), key: "{\(tag)}live")
            return heard.messages.contains(message)
          }
        }
        done.withLockedValue { $0 = true }
        try await group.waitForAll()
      }
      let counts = (
        try await client.send(RedisCommand("GET", .string(keys[0])), key: keys[0]).integer,
        try await client.send(RedisCommand("GET", .string(keys[1])), key: keys[1]).integer
      )
      #expect(counts.0 == written.withLockedValue { $0 } && counts.1 == counts.0)
      #expect(heard.events.contains(.interrupted) && heard.events.contains(.restored))
    }
  }

  @Test(
    "the successor of a primary that was killed, or stopped, gets its commands and its channels",
    arguments: [false, true])
  func failover(stopped: Bool) async throws {
    try await withCluster(
      replicas: true, nodeTimeout: 3_000,
      configure: { configuration, _ in
        configuration.connectionWait = .milliseconds(300)
        configuration.commandTimeout = .seconds(3)
      }
    ) { cluster, client in
      let tag = Self.tags[1]
      try await eventually("a write") {
        (try? await client.send(RedisCommand("SET", .string("{\(tag)}k"), "1"), key: "{\(tag)}k")) == .status("OK")
      }
      let heard = Heard()
      let subscription = try await client.subscribe(to: "{\(tag)}live") { heard.append($0) }
      defer { subscription.cancel() }
      if stopped { cluster.servers[1].freeze() } else { cluster.servers[1].kill() }
      try await eventually("writes are back, from every event loop") {
        for _ in 0..<20 {
          guard
            (try? await client.send(RedisCommand("SET", .string("{\(tag)}k"), "2"), key: "{\(tag)}k")) == .status("OK")
          else { return false }
        }
        return true
      }
      try await eventually("the message is heard at the new primary") {
        _ = try? await client.send(RedisCommand("SPUBLISH", .string("{\(tag)}live"), "news"), key: "{\(tag)}live")
        return heard.messages.contains("news") && heard.events.contains(.restored)
      }
      for other in [0, 2] {
        let key = "{\(Self.tags[other])}k"
        try await eventually("a write elsewhere") {
          (try? await client.send(RedisCommand("SET", .string(key), "1"), key: key)) == .status("OK")
        }
      }
      if stopped { cluster.servers[1].thaw() }
    }
  }

  @Test("a successor without a replica takes no write that must be confirmed, and takes them when one is there again")
  func successorAlone() async throws {
    try await withCluster(
      replicas: true, nodeTimeout: 3_000,
      configure: { configuration, _ in
        configuration.connectionWait = .milliseconds(300)
        configuration.commandTimeout = .seconds(3)
        configuration.durability = .replicated(replicas: nil, timeout: .seconds(1))
      }
    ) { cluster, client in
      let keys = ["{\(Self.tags[1])}a", "{\(Self.tags[1])}b"]
      func failure() async -> RedisError? {
        do throws(RedisError) {
          _ = try await client.evaluate(write, keys: keys, arguments: [])
          return nil
        } catch { return error }
      }
      try await eventually("a write") { await failure() == nil }
      cluster.servers[1].kill()
      try await eventually("nothing is sent that nobody could confirm") {
        let error = await failure()
        return error?.code == .unavailable && error?.message.contains("No replica") == true
      }
      // The others have theirs.
      let others = ["{\(Self.tags[0])}a", "{\(Self.tags[0])}b"]
      #expect(try await client.evaluate(write, keys: others, arguments: []) == .integer(1))
      #expect(try await client.probe(within: patience).failures.count == 1)
      try await cluster.servers[1].start()
      try await eventually("the lost server is a replica, and writes are back") { await failure() == nil }
    }
  }

  @Test("a switch on request moves everything without a lost write")
  func requestedFailover() async throws {
    try await withCluster(replicas: true) { cluster, client in
      let tag = Self.tags[2]
      let keys = ["{\(tag)}a", "{\(tag)}b"]
      let heard = Heard()
      let subscription = try await client.subscribe(to: "{\(tag)}live") { heard.append($0) }
      defer { subscription.cancel() }
      for _ in 0..<20 { _ = try await client.evaluate(write, keys: keys, arguments: []) }
      // Redis gives up a switch that takes it longer than 5 s.
      try await eventually("the replica is the primary") {
        try await cluster.servers[5].ask("CLUSTER", "FAILOVER")
        return
          (try? await eventually("the switch", within: .seconds(7)) {
            try await cluster.servers[5].ask("ROLE").array?.first?.string == "master"
          }) != nil
      }
      for number in 21...40 {
        let count = try await client.evaluate(write, keys: keys, arguments: [])
        #expect(count == .integer(number))
      }
      try await eventually("the message is heard at the new primary") {
        _ = try? await client.send(RedisCommand("SPUBLISH", .string("{\(tag)}live"), "news"), key: "{\(tag)}live")
        return heard.messages.contains("news")
      }
    }
  }

  @Test("with a primary gone and nobody to succeed it, everybody else's keys go on, and the probe tells")
  func lost() async throws {
    try await withCluster(configure: { configuration, _ in configuration.connectionWait = .milliseconds(200) }) {
      cluster, client in
      try await eventually("a probe") { (try? await client.probe(within: patience))?.failures == [] }
      cluster.servers[0].kill()
      try await eventually("its keys are refused as unavailable") {
        do throws(RedisError) {
          _ = try await client.send(RedisCommand("GET", .string("{\(Self.tags[0])}k")), key: "{\(Self.tags[0])}k")
          return false
        } catch {
          return error.code == .unavailable || error.serverErrorPrefix == "CLUSTERDOWN"
        }
      }
      for other in [1, 2] {
        try await client.send(
          RedisCommand("SET", .string("{\(Self.tags[other])}k"), "1"), key: "{\(Self.tags[other])}k"
        )
        .expectOK()
      }
      try await eventually("the probe tells") {
        (try? await client.probe(within: .seconds(5)))?.failures.count == 1
      }
      for _ in 0..<20 { #expect(try await client.send(RedisCommand("TIME"), key: nil).array?.count == 2) }
      try await cluster.servers[0].start()
      try await eventually("all is well again") { (try? await client.probe(within: .seconds(5)))?.failures == [] }
    }
  }

  @Test(
    "nodes that announce names nobody can resolve are reached where the configuration says; a dead seed is passed over")
  func announced() async throws {
    try await withCluster(
      lines: { node, _ in ["cluster-announce-hostname node\(node).invalid", "cluster-preferred-endpoint-type hostname"]
      },
      configure: { configuration, cluster in
        for (number, server) in cluster.servers.enumerated() {
          let port = server.port ?? 0
          configuration.reachedAt[.host("node\(number).invalid", port: port)] = .host("127.0.0.1", port: port)
        }
        configuration.topology = .cluster([
          .host("127.0.0.1", port: 1), .host("127.0.0.1", port: cluster.servers[2].port ?? 0),
        ])
      }
    ) { cluster, client in
      for tag in Self.tags {
        try await client.send(RedisCommand("SET", .string("{\(tag)}k"), "1"), key: "{\(tag)}k").expectOK()
      }
      try await cluster.move(slot: HashSlot.of(Self.tags[0]), from: 0, to: 1)
      for tag in Self.tags {
        try await client.send(RedisCommand("SET", .string("{\(tag)}k"), "2"), key: "{\(tag)}k").expectOK()
      }
    }
  }
}
