import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

/// Real Sentinels elect a new primary; the client follows.
@Suite("Sentinel", .timeLimit(.minutes(4)))
struct SentinelTests {
  /// Runs a group, a client of it with a subscription, and a body; commands fail fast.
  private func withGroup(
    server: [String] = [], sentinel: [String] = [], configure: (inout RedisClientConfiguration) -> Void = { _ in },
    _ body: @Sendable (SentinelGroup, RedisClient, Heard) async throws -> Void
  ) async throws {
    let group = try await SentinelGroup.start(server: server, sentinel: sentinel)
    defer { group.stop() }
    var configuration = group.configuration
    configuration.commandTimeout = .seconds(4)
    configuration.connectionWait = .milliseconds(300)
    configure(&configuration)
    let settings = configuration
    try await withClient(configuration) { client in
      try await group.waitUntilInStep(settings)
      let heard = Heard()
      let subscription = try await eventually("subscribed") {
        try? await client.subscribe(to: "ch") { heard.append($0) }
      }
      defer { subscription.cancel() }
      try await eventually("a write") { (try? await client.send(RedisCommand("SET", "k", "1"), key: nil)) != nil }
      try await body(group, client, heard)
    }
  }

  /// Waits until every event loop writes to a server other than the old primary, and messages come from there.
  private func expectMove(_ group: SentinelGroup, _ client: RedisClient, _ heard: Heard) async throws {
    let old = group.servers[0].port
    try await eventually("writes are back at another server, from every event loop") {
      for _ in 0..<20 {
        let port = (try? await client.send(RedisCommand("CONFIG", "GET", "port"), key: nil))?.array?.last?.integer
        guard let port, port != old else { return false }
        guard (try? await client.send(RedisCommand("SET", "k", "2"), key: nil)) == .status("OK") else { return false }
      }
      return true
    }
    try await eventually("the message is heard at the new primary") {
      _ = try? await client.send(RedisCommand("SPUBLISH", "ch", "news"), key: nil)
      return heard.messages.contains("news") && heard.events.contains(.interrupted) && heard.events.contains(.restored)
    }
    try await client.probe(within: patience)
  }

  @Test("a primary that is killed is followed by its successor")
  func killed() async throws {
    try await withGroup { group, client, heard in
      group.servers[0].kill()
      try await expectMove(group, client, heard)
    }
  }

  @Test("a switch on request moves commands and subscriptions, and leaves nobody at the old primary")
  func requested() async throws {
    try await withGroup { group, client, heard in
      try await group.failover()
      try await expectMove(group, client, heard)
      try await eventually("nobody is left at the old primary") {
        await group.subscribers(of: group.servers[0]) == 0
      }
    }
  }

  @Test("a primary that is stopped holds up nobody, and is left alone when it goes on as a replica")
  func stopped() async throws {
    try await withGroup { group, client, heard in
      group.servers[0].freeze()
      try await expectMove(group, client, heard)
      group.servers[0].thaw()
      try await eventually("the old primary is a replica without listeners") {
        await group.subscribers(of: group.servers[0]) == 0
      }
      try await eventually("writes go on") {
        (try? await client.send(RedisCommand("SET", "k", "3"), key: nil)) == .status("OK")
      }
    }
  }

  @Test("both replicas must have a write, one when the other is missed, and with none of them it is not even sent")
  func majority() async throws {
    let write = RedisScript(name: "write", source: "#!lua\nreturn redis.call('INCR', KEYS[1])")
    try await withGroup(configure: {
      $0.durability = .replicated(replicas: nil, timeout: .milliseconds(500))
      $0.sentinelLook = .milliseconds(500)
    }) { group, client, _ in
      func failure() async -> RedisError? {
        do throws(RedisError) {
          _ = try await client.evaluate(write, keys: ["n"], arguments: [])
          return nil
        } catch { return error }
      }
      try await eventually("both are counted, and a write that one of them does not have fails") {
        guard await failure() == nil else { return false }
        group.servers[1].freeze()
        if let error = await failure(), error.code == .notReplicated, error.message.contains("1 of 2") { return true }
        group.servers[1].thaw()
        return false
      }
      try await eventually("one is enough when the Sentinels miss the other") { await failure() == nil }
      group.servers[2].freeze()
      try await eventually("nothing is sent that nobody could confirm") {
        guard let error = await failure() else { return false }
        return error.code == .unavailable && !error.mayHaveRun && error.message.contains("No replica")
      }
      let health = await #expect(throws: RedisError.self) { try await client.probe(within: patience) }
      #expect(health?.message.contains("No replica") == true)
      group.servers[1].thaw()
      try await eventually("one is back") { await failure() == nil }
      group.servers[2].thaw()
    }
  }

  @Test("Sentinels have a user and a password of their own")
  func sentinelLogin() async throws {
    let users = [
      "user default off",
      "user watcher on >w resetchannels &+switch-master -@all +auth +ping +role +client|setname +sentinel|get-master-addr-by-name +subscribe",
      "user sentinel on >s allchannels +@all", "sentinel sentinel-user sentinel", "sentinel sentinel-pass s",
      "sentinel auth-user \(SentinelGroup.name) boss", "sentinel auth-pass \(SentinelGroup.name) b",
    ]
    let servers = ["user default off", "user boss on >b ~* &* +@all", "masteruser boss", "masterauth b"]
    try await withGroup(
      server: servers, sentinel: users,
      configure: {
        $0.sentinelLogin = RedisLogin(username: "watcher", password: "w")
        $0.username = "boss"
        $0.password = "b"
      }
    ) { group, client, heard in
      #expect(try await client.send(RedisCommand("ACL", "WHOAMI"), key: nil).string == "boss")
      group.servers[0].kill()
      try await expectMove(group, client, heard)
    }
  }
}

/// Sentinels that say what a test wants, of real servers.
@Suite("Sentinels that err", .timeLimit(.minutes(2)))
struct StrangeSentinelTests {
  /// Runs three fakes that name the ports in the box, and a client.
  private func withFakes(
    _ ports: NIOLockedValueBox<[Int?]>, look: Duration = .milliseconds(100),
    reachedAt: [RedisEndpoint: RedisEndpoint] = [:], _ body: @Sendable (RedisClient) async throws -> Void
  ) async throws {
    var fakes: [FakeRedis] = []
    for number in 0..<3 {
      fakes.append(
        try await FakeRedis { command, _ in
          // They take the subscription and never send anything on it.
          guard command.first == "SENTINEL" else { return nil }
          guard let port = ports.withLockedValue({ $0[number] }) else { return nil }
          guard port > 0 else { return "*-1\r\n" }
          return push("127.0.0.1", "\(port)")
        })
    }
    var configuration = RedisClientConfiguration(
      topology: .sentinel(fakes.map { .unixSocket(path: $0.path) }, primary: "m"))
    configuration.sentinelLook = look
    configuration.commandTimeout = patience
    configuration.connectionWait = .milliseconds(300)
    configuration.reachedAt = reachedAt
    try await withClient(configuration, body)
    for fake in fakes { try await fake.stop() }
  }

  private func port(_ client: RedisClient) async -> Int? {
    (try? await client.send(RedisCommand("CONFIG", "GET", "port"), key: nil))?.array?.last?.integer
  }

  @Test("without any news of a switch the periodic look finds the new primary; one voice of three is not believed")
  func look() async throws {
    try await withRedisServer(.init(port: 0)) { one in
      try await withRedisServer(.init(port: 0)) { two in
        let (first, second) = (try #require(one.port), try #require(two.port))
        let named = NIOLockedValueBox<[Int?]>([first, first, second])
        try await withFakes(named) { client in
          try await eventually("the first one") { await port(client) == first }
          named.withLockedValue { $0 = [second, second, first] }
          try await eventually("the second one") { await port(client) == second }
          // One that no longer answers leaves a majority of those that do.
          named.withLockedValue { $0 = [first, first, nil] }
          try await eventually("the first one again") { await port(client) == first }
        }
      }
    }
  }

  @Test("a server that is named and is a replica is not used")
  func replica() async throws {
    try await withRedisServer(.init(port: 0)) { primary in
      let first = try #require(primary.port)
      try await withRedisServer(.init(port: 0, configuration: ["replicaof 127.0.0.1 \(first)"])) { replica in
        let second = try #require(replica.port)
        let named = NIOLockedValueBox<[Int?]>([second, second, second])
        try await withFakes(named) { client in
          let error = await #expect(throws: RedisError.self) {
            try await client.send(RedisCommand("PING"), key: nil)
          }
          #expect(error?.code == .unavailable && error?.mayHaveRun == false)
          try await eventually("the reason is told") {
            do throws(RedisError) { _ = try await client.send(RedisCommand("PING"), key: nil) } catch {
              return error.message.contains("it is a replica")
            }
            return false
          }
          named.withLockedValue { $0 = [first, first, first] }
          try await eventually("the primary") { await port(client) == first }
        }
      }
    }
  }

  @Test("an unknown name is told, and an address that leads nowhere is translated")
  func unknownAndTranslated() async throws {
    try await withRedisServer(.init(port: 0)) { server in
      let actual = try #require(server.port)
      let named = NIOLockedValueBox<[Int?]>([0, 0, 0])
      let told = RedisEndpoint.host("127.0.0.1", port: 1)
      try await withFakes(named, reachedAt: [told: .host("127.0.0.1", port: actual)]) { client in
        try await eventually("the reason is told") {
          do throws(RedisError) { _ = try await client.send(RedisCommand("PING"), key: nil) } catch {
            return error.message == "The Sentinels know no primary named \"m\"."
          }
          return false
        }
        named.withLockedValue { $0 = [1, 1, 1] }
        try await eventually("the server") { await port(client) == actual }
      }
    }
  }
}

extension SentinelGroup {
  /// Waits until both replicas have what the primary has, and every Sentinel knows them and the others.
  fileprivate func waitUntilInStep(_ configuration: RedisClientConfiguration) async throws {
    for sentinel in sentinels {
      try await ask(sentinel, configuration) { client in
        try await eventually("a Sentinel knows everybody") {
          let parts = try? await client.send(RedisCommand("SENTINEL", "MASTER", .string(Self.name)), key: nil).array
          let texts = parts?.map { $0.string ?? "" } ?? []
          let fields = Dictionary(
            stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) }
          ) { $1 }
          return fields["num-slaves"] == "2" && fields["num-other-sentinels"] == "2" && fields["flags"] == "master"
        }
      }
    }
    var primary = configuration
    primary.topology = servers[0].configuration.topology
    try await withClient(primary) { client in
      try await eventually("the replicas are in step") {
        (try? await client.send(RedisCommand("WAIT", 2, 10), key: nil)) == .integer(2)
      }
    }
  }

  /// Asks one Sentinel to make another server the primary.
  fileprivate func failover() async throws {
    try await ask(sentinels[0], configuration) { client in
      try await eventually("the Sentinel begins") {
        (try? await client.send(RedisCommand("SENTINEL", "FAILOVER", .string(Self.name)), key: nil)) == .status("OK")
      }
    }
  }

  private func ask(
    _ sentinel: SentinelServer, _ configuration: RedisClientConfiguration,
    _ body: @Sendable (RedisClient) async throws -> Void
  ) async throws {
    var own = RedisClientConfiguration(topology: .standalone(.host("127.0.0.1", port: sentinel.port)))
    if configuration.sentinelLogin != nil {
      own.username = "sentinel"
      own.password = "s"
    }
    try await withClient(own, body)
  }

  /// How many listen to the channel `ch` at a server; nil while it does not answer, or is still a primary.
  fileprivate func subscribers(of server: RedisServer) async -> Int? {
    var configuration = server.configuration
    configuration.acceptsReplica = true
    // Its Sentinels cut all connections when it becomes a replica, this one, too.
    return try? await withClient(configuration) { client in
      guard try await client.send(RedisCommand("ROLE"), key: nil).array?.first?.string == "slave" else {
        throw FixtureError("It is the primary.")
      }
      let reply = try await client.send(RedisCommand("PUBSUB", "SHARDNUMSUB", "ch"), key: nil)
      return try reply.array?.last?.expectInteger() ?? -1
    }
  }
}
