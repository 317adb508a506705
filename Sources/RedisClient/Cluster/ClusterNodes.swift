internal import Logging
internal import NIOCore
internal import Synchronization

/// The connections to the nodes of a cluster, and which of them has which slot. Sendable: behind a mutex.
final class ClusterNodes: Sendable {
  private struct State {
    var table: SlotTable?
    /// The nodes of the table's primaries, in its order.
    var owners: [RedisNode] = []
    var nodes: [RedisEndpoint: RedisNode] = [:]
    /// When a node that has no slot was last asked for, as one is that a slot is on its way to.
    var visited: [RedisEndpoint: NIODeadline] = [:]
    /// When a connection to a node was last lost or refused.
    var troubled: [RedisEndpoint: NIODeadline] = [:]
    /// Nodes without slots whose commands are ending.
    var retired: [RedisNode] = []
    /// How many replicas each primary has that are up.
    var replicas: [RedisEndpoint: Int] = [:]
    var reason = "The nodes of the Redis Cluster were not asked yet where the others are."
    var isStopped = false
  }

  /// How long a node that has no slot is kept after it was asked for.
  private static let visit = TimeAmount.seconds(60)
  /// How long after a failure another node is preferred where any will do.
  private static let trouble = TimeAmount.seconds(5)

  private let state = Mutex(State())
  private let makeNode: @Sendable (RedisEndpoint) -> RedisNode

  /// - Parameter makeNode: makes the connections to a node; they are started here.
  init(makeNode: @escaping @Sendable (RedisEndpoint) -> RedisNode) { self.makeNode = makeNode }

  /// The slots are spread like this now.
  func adopt(_ table: SlotTable) {
    var (left, fresh): ([RedisNode], [RedisNode]) = ([], [])
    state.withLock { state in
      guard !state.isStopped else { return }
      state.table = table
      let primaries = Set(table.primaries)
      let now = NIODeadline.now()
      state.visited = state.visited.filter { now - $0.value < Self.visit }
      for (endpoint, node) in state.nodes where !primaries.contains(endpoint) && state.visited[endpoint] == nil {
        state.nodes[endpoint] = nil
        left.append(node)
      }
      state.retired = state.retired.suffix(64) + left
      state.owners = table.primaries.map { endpoint in node(endpoint, &state, &fresh) }
      state.troubled = state.troubled.filter { state.nodes[$0.key] != nil }
    }
    for node in fresh { node.start() }
    let reason = RedisError(
      code: .unavailable, message: "The Redis Cluster's slots are elsewhere now.", mayHaveRun: true)
    for node in left { node.retire(reason) }
  }

  /// The primaries have that many replicas that are up.
  func told(replicas counts: [RedisEndpoint: Int]) {
    state.withLock { state in
      let known = Set(state.table?.primaries ?? [])
      state.replicas = state.replicas.merging(counts) { $1 }.filter { known.contains($0.key) }
      for (endpoint, count) in counts { state.nodes[endpoint]?.told(replicas: count) }
    }
  }

  func explain(_ reason: String) { state.withLock { $0.reason = reason } }

  func noteTrouble(_ endpoint: RedisEndpoint) { state.withLock { $0.troubled[endpoint] = .now() } }

  /// The node that has a slot.
  ///
  /// - Parameter slot: nil takes any node, one without trouble where there is one.
  /// - Throws: why there is none.
  func owner(of slot: Int?) throws(RedisError) -> RedisNode {
    let found: Result<RedisNode, RedisError> = state.withLock { state in
      if state.isStopped { return .failure(.shutDown) }
      guard let table = state.table, !state.owners.isEmpty else { return .failure(.unusable(state.reason)) }
      guard let slot else { return .success(state.owners[any(of: table, state)]) }
      guard let index = table.ownerIndex(of: slot) else {
        return .failure(.unusable("No primary of the Redis Cluster has slot \(slot) now."))
      }
      return .success(state.owners[index])
    }
    return try found.get()
  }

  private func any(of table: SlotTable, _ state: State) -> Int {
    let first = Int.random(in: 0..<state.owners.count)
    guard !state.troubled.isEmpty else { return first }
    let now = NIODeadline.now()
    for offset in state.owners.indices {
      let index = (first + offset) % state.owners.count
      if let time = state.troubled[table.primaries[index]], now - time < Self.trouble { continue }
      return index
    }
    return first
  }

  /// A node that a command was sent on to.
  func node(at endpoint: RedisEndpoint) throws(RedisError) -> RedisNode {
    var fresh: [RedisNode] = []
    let found: RedisNode? = state.withLock { state in
      guard !state.isStopped else { return nil }
      state.visited[endpoint] = .now()
      return node(endpoint, &state, &fresh)
    }
    for node in fresh { node.start() }
    guard let found else { throw .shutDown }
    return found
  }

  /// What is known of the slots.
  var table: SlotTable? { state.withLock { $0.table } }

  /// Ends everything.
  func stop() async {
    let all = state.withLock { state in
      state.isStopped = true
      return Array(state.nodes.values) + state.retired
    }
    for node in all { await node.stop() }
  }

  private func node(_ endpoint: RedisEndpoint, _ state: inout State, _ fresh: inout [RedisNode]) -> RedisNode {
    if let node = state.nodes[endpoint] { return node }
    let node = makeNode(endpoint)
    if let count = state.replicas[endpoint] { node.told(replicas: count) }
    state.nodes[endpoint] = node
    fresh.append(node)
    return node
  }
}
