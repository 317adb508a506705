import NIOCore
import RedisClient
import TestSupport

@testable import SharedSessions

/// A key as DUMP gives it, and its end in milliseconds (0 none). A value.
struct KeyDump: Sendable, Hashable {
  let bytes: ByteBuffer
  let end: Int
}

/// A slot that is half way from one primary to another. Sendable: immutable.
struct SlotMove: Sendable {
  let source: ClusterNode
  let target: ClusterNode
  private let slot: Int
  private let dump: [String: KeyDump]
  private let sourceID: String
  private let targetID: String

  /// What the two primaries hold.
  struct State: Sendable, Hashable {
    var source: [String: KeyDump] = [:]
    var target: [String: KeyDump] = [:]
  }

  init(_ cluster: [ClusterNode], tag: String, dump: [String: KeyDump]) async throws {
    slot = try need(await cluster[0].send("CLUSTER", "KEYSLOT", .string(tag)).integer)
    let owner = min(slot / 5_462, 2)
    (source, target) = (cluster[owner], cluster[(owner + 1) % 3])
    self.dump = dump
    sourceID = try need(await source.send("CLUSTER", "MYID").string)
    targetID = try need(await target.send("CLUSTER", "MYID").string)
  }

  /// All keys are at the source, and those that `moves` names go over; the slot stays between the two.
  func prepare(_ moves: (String) -> Bool) async throws {
    for node in [source, target] {
      try await node.send("CLUSTER", "SETSLOT", .integer(slot), "STABLE")
      try await node.send("FLUSHALL")
    }
    for (key, value) in dump { try await source.restore(key, value) }
    try await target.send("CLUSTER", "SETSLOT", .integer(slot), "IMPORTING", .string(sourceID))
    try await source.send("CLUSTER", "SETSLOT", .integer(slot), "MIGRATING", .string(targetID))
    for key in dump.keys where moves(key) {
      try await source.send(
        "MIGRATE", "127.0.0.1", .integer(try need(target.server.port)), .string(key), "0", "5000")
    }
  }

  func state() async throws -> State {
    var state = State()
    for key in dump.keys.sorted() {
      state.source[key] = try? await read(key) { try await source.client.send($0, key: nil) }
      state.target[key] = try? await read(key) { try await target.asking($0) }
    }
    return state
  }

  private func read(_ key: String, _ send: (RedisCommand) async throws -> RedisValue) async throws -> KeyDump? {
    guard let bytes = try await send(RedisCommand("DUMP", .string(key))).bytes else { return nil }
    return KeyDump(bytes: bytes, end: try await send(RedisCommand("PEXPIRETIME", .string(key))).integer ?? 0)
  }

  /// Runs a call on one of the two.
  ///
  /// - Returns: the first word it was refused with.
  func run(_ call: ScriptCall, onTarget: Bool) async -> String? {
    do {
      _ = onTarget ? try await target.asking(call.evaluate()) : try await source.client.send(call.evaluate(), key: nil)
      return nil
    } catch { return (error as? RedisError)?.serverErrorPrefix ?? "\(error)" }
  }
}

extension ClusterNode {
  func restore(_ key: String, _ value: KeyDump) async throws {
    try await send("RESTORE", .string(key), .integer(value.end), .bytes(value.bytes), "REPLACE", "ABSTTL")
  }
}

/// Runs `body` with three primaries that share the slots in order.
func withCluster(_ body: @Sendable ([ClusterNode]) async throws -> Void) async throws {
  func start() async throws -> RedisServer {
    let bus = try await FreePort.find()
    return try await RedisServer(
      .init(port: 0, configuration: ["cluster-enabled yes", "cluster-port \(bus)", "cluster-node-timeout 30000"]))
  }
  let servers = [try await start(), try await start(), try await start()]
  defer { for server in servers { server.stop() } }
  try await ClusterNode.with(servers[0]) { one in
    try await ClusterNode.with(servers[1]) { two in
      try await ClusterNode.with(servers[2]) { three in
        let nodes = [one, two, three]
        for (i, node) in nodes.enumerated() {
          try await node.send(
            "CLUSTER", "ADDSLOTSRANGE", .integer(i * 5_462), .integer(min(16_383, (i + 1) * 5_462 - 1)))
        }
        for node in nodes.dropFirst() {
          let bus = try need(await node.send("CONFIG", "GET", "cluster-port").array?[1].string)
          try await one.send("CLUSTER", "MEET", "127.0.0.1", .integer(try need(node.server.port)), .string(bus))
        }
        for node in nodes {
          try await eventually("the cluster is up") {
            let info = try await node.send("CLUSTER", "INFO").string ?? ""
            return info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
          }
        }
        try await body(nodes)
      }
    }
  }
}
