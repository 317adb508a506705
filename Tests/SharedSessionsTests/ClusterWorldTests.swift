import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import RedisClient
@testable import SharedSessions

/// The whole domain on a cluster of three primaries.
@Suite struct ClusterWorldTests {
  /// Two nodes' domains on a cluster.
  private func withClusterWorld(
    sweeping: Bool = false, _ body: @Sendable (World, RedisCluster) async throws -> Void
  ) async throws {
    let cluster = try await RedisCluster.start()
    defer { cluster.stop() }
    var configuration = cluster.configuration
    configuration.commandTimeout = .seconds(60)
    configuration.connectTimeout = .seconds(20)
    configuration.connectionWait = .seconds(20)
    var settings = SharedSessionSettings()
    settings.sweepInterval = .milliseconds(50)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let clients = (0..<2).map { [configuration] _ in
      RedisClient(configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }
    let nodes = clients.map { [settings] in SharedSessionsDomain(redis: $0, settings: settings, logger: logger) }
    let world = World(server: cluster.servers[0], redis: clients[0], nodes: nodes)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for client in clients { tasks.addTask { try await client.run() } }
      if sweeping { for node in nodes { tasks.addTask { try await node.run() } } }
      try await body(world, cluster)
      tasks.cancelAll()
    }
  }

  @Test func everyOperationThereIsWorksOnACluster() async throws {
    try await withClusterWorld { world, cluster in
      try await world.one.checkLayout()
      for _ in 0..<4 {
        let host = try await world.register()
        _ = try await world.useEverything(try await world.share(host: host, minutes: 60))
      }
      // Sessions lie with several primaries.
      let sizes = await withTaskGroup(of: Int.self) { group in
        for server in cluster.servers { group.addTask { (try? await server.ask("DBSIZE").integer) ?? 0 } }
        return await group.reduce(into: [Int]()) { $0.append($1) }
      }
      #expect(sizes.allSatisfy { $0 > 0 }, "\(sizes)")
    }
  }

  @Test func sessionsOfAllPrimariesAreListedAndSwept() async throws {
    try await withClusterWorld(sweeping: true) { world, _ in
      var shared: [Shared] = []
      for _ in 0..<12 { shared.append(try await world.share()) }
      let slots = Set(shared.map { HashSlot.of(world.keys.session($0.id)) / 5_462 })
      #expect(slots.count > 1)
      for session in shared { _ = try await world.one.sessions.close(session.id, credentials: session.host) }
      for session in shared {
        try await eventually("its end is swept: no deadline is left") {
          let bucket = world.keys.deadlines(bucket: KeyLayout.bucket(of: session.id))
          let score = try await world.redis.send(
            RedisCommand("ZSCORE", .string(bucket), .string(session.id)), key: bucket)
          return score.isNull
        }
      }
    }
  }

  @Test func noScriptHasKeysOfSeveralSlots() throws {
    let keys = KeyLayout(prefix: "p")
    for id in ["a", "0f3b", "a.b:c-d_e"] {
      let slot = HashSlot.of(keys.session(id))
      #expect(SessionKey.allCases.allSatisfy { HashSlot.of(keys.session(id, $0)) == slot })
      #expect(HashSlot.of(keys.channel(id)) == slot)
      let hostSlot = HashSlot.of(keys.host(id))
      #expect(HostKey.allCases.allSatisfy { HashSlot.of(keys.host(id, $0)) == hostSlot })
      #expect(HashSlot.of(keys.hostChannel(id)) == hostSlot)
    }
    // Whatever is not of one session or one host session has a single key.
    for script in ScriptLibrary.all where script.plain.keys != ["key"] {
      let isOfSession = script.plain.keys.allSatisfy { SessionKey(rawValue: $0) != nil }
      let isOfHost = script.plain.keys.allSatisfy { HostKey(rawValue: $0) != nil }
      #expect(!script.plain.keys.isEmpty && (isOfSession || isOfHost), "\(script.name): \(script.plain.keys)")
    }
    // Buckets and lists are in slots of their own, so no primary has all of what every node asks.
    let indexes = (0..<KeyLayout.buckets).flatMap {
      [keys.deadlines(bucket: $0), keys.leases(bucket: $0), keys.listings(bucket: $0)]
    }
    #expect(Set(indexes.map { HashSlot.of($0) * 3 / HashSlot.count }).count == 3)
  }
}
