import Logging
import NIOCore
import NIOPosix
public import RedisClient

extension RedisServer {
  /// Starts a server, again with other options when a port was taken meanwhile.
  static func start(_ options: () async throws -> Options) async throws -> RedisServer {
    for _ in 0..<4 {
      do { return try await RedisServer(try await options()) } catch is FixtureError { continue }
    }
    return try await RedisServer(try await options())
  }

  /// Asks this one server, whatever it is; its redirections come back as errors.
  @discardableResult
  public func ask(_ name: String, _ arguments: RedisArgument...) async throws -> RedisValue {
    try await administer { client in try await client.send(RedisCommand(name, arguments: arguments), key: nil) }
  }

  /// Runs a client of this one server, whatever it is.
  @discardableResult
  public func administer<Value: Sendable>(_ body: @Sendable (RedisClient) async throws -> Value) async throws -> Value {
    var configuration = configuration
    configuration.acceptsReplica = true
    configuration.connectionWait = .seconds(20)
    // One connection, so that what is said of the connection is about the next command.
    let client = RedisClient(
      configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await client.run() }
      let value = try await body(client)
      tasks.cancelAll()
      return value
    }
  }
}

/// Three primaries that share the slots in order, each with a replica where that was asked for. Sendable: immutable, its
/// servers guard themselves.
public struct RedisCluster: Sendable {
  /// The first three are the primaries at first; replica `i` of primary `i` is at `3 + i`.
  public let servers: [RedisServer]

  /// A configuration that enters the cluster through its first two nodes.
  public var configuration: RedisClientConfiguration {
    RedisClientConfiguration(topology: .cluster(servers[..<2].map { .host("127.0.0.1", port: $0.port ?? 0) }))
  }

  /// Which of the first three had a slot at first.
  public static func firstOwner(of slot: Int) -> Int { min(slot / 5_462, 2) }

  /// Starts the nodes and waits until each knows all of them.
  ///
  /// - Parameters:
  ///   - replicas: whether each primary has one.
  ///   - nodeTimeout: milliseconds after which a silent node counts as gone; long where none dies, so that a busy machine
  ///     does not make one seem to.
  ///   - lines: further lines of each configuration, by the node's number and port.
  public static func start(
    replicas: Bool = false, nodeTimeout: Int = 30_000, lines: (_ node: Int, _ port: Int) -> [String] = { _, _ in [] }
  ) async throws -> RedisCluster {
    var servers: [RedisServer] = []
    for number in 0..<(replicas ? 6 : 3) {
      servers.append(
        try await RedisServer.start {
          let (port, bus) = (try await FreePort.find(), try await FreePort.find())
          return .init(
            port: port,
            configuration: [
              "cluster-enabled yes", "cluster-port \(bus)", "cluster-node-timeout \(nodeTimeout)",
              "cluster-require-full-coverage no", "repl-diskless-sync-delay 0",
            ] + lines(number, port))
        })
    }
    let cluster = RedisCluster(servers: servers)
    try await cluster.join()
    return cluster
  }

  private func join() async throws {
    for (number, server) in servers.enumerated() {
      if number < 3 {
        let last = min(16_383, (number + 1) * 5_462 - 1)
        try await server.ask("CLUSTER", "ADDSLOTSRANGE", .integer(number * 5_462), .integer(last))
      }
      try await server.ask("CLUSTER", "SET-CONFIG-EPOCH", .integer(number + 1))
    }
    for server in servers.dropFirst() {
      guard let bus = try await server.ask("CONFIG", "GET", "cluster-port").array?[1].string, let port = server.port
      else { throw FixtureError("A node has no port.") }
      try await servers[0].ask("CLUSTER", "MEET", "127.0.0.1", .integer(port), .string(bus))
    }
    for server in servers {
      try await wait("a node knows all of them", server, ["cluster_known_nodes:\(servers.count)"])
    }
    for (number, server) in servers.enumerated().dropFirst(3) {
      let primary = try await id(of: number - 3)
      try await eventually("a node becomes a replica") {
        (try? await server.ask("CLUSTER", "REPLICATE", .string(primary))) == .status("OK")
      }
    }
    for server in servers { try await wait("a node is ready", server, ["cluster_state:ok"]) }
    for (number, server) in servers.enumerated().dropFirst(3) {
      try await eventually("replica \(number) is in step, and everybody knows it") {
        let role = try await server.ask("ROLE").array
        guard role?.first?.string == "slave", role?[3].string == "connected" else { return false }
        let ports = Set(servers.compactMap(\.port))
        for other in servers {
          let told = try await other.ask("CLUSTER", "SLOTS").array ?? []
          let known = told.flatMap { $0.array?.dropFirst(2).compactMap { $0.array?[1].integer } ?? [] }
          guard Set(known) == ports else { return false }
        }
        return true
      }
    }
  }

  private func wait(_ what: String, _ server: RedisServer, _ lines: [String]) async throws {
    try await eventually(what) {
      let info = try await server.ask("CLUSTER", "INFO").string ?? ""
      return lines.allSatisfy(info.contains)
    }
  }

  /// A node's id.
  public func id(of node: Int) async throws -> String {
    guard let id = try await servers[node].ask("CLUSTER", "MYID").string else {
      throw FixtureError("A node has no id.")
    }
    return id
  }

  /// Moves a slot as redis-cli does, keys first one by one; the body runs while it is half way.
  public func move(
    slot: Int, from source: Int, to target: Int, halfWay body: () async throws -> Void = {}
  ) async throws {
    let (from, to) = (try await id(of: source), try await id(of: target))
    guard let port = servers[target].port else { throw FixtureError("A node has no port.") }
    try await servers[target].ask("CLUSTER", "SETSLOT", .integer(slot), "IMPORTING", .string(from))
    try await servers[source].ask("CLUSTER", "SETSLOT", .integer(slot), "MIGRATING", .string(to))
    var isHalfWay = false
    while true {
      let keys = try await servers[source].ask("CLUSTER", "GETKEYSINSLOT", .integer(slot), 1).array ?? []
      if !isHalfWay { try await body() }
      isHalfWay = true
      guard let key = keys.first?.string else { break }
      // A key that is gone by now is no failure.
      try await servers[source].ask("MIGRATE", "127.0.0.1", .integer(port), .string(key), "0", "5000")
    }
    for node in [target, source] + (0..<3).filter({ $0 != target && $0 != source }) {
      try await servers[node].ask("CLUSTER", "SETSLOT", .integer(slot), "NODE", .string(to))
    }
  }

  /// Ends all processes.
  public func stop() {
    for server in servers { server.stop() }
  }
}
