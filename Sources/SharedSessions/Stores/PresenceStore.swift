internal import Basics
internal import Logging
internal import RedisClient
internal import Synchronization

/// Who has a stream open on which node. Sendable: what it has announced is behind a mutex, the rest is immutable.
///
/// A participant's hash has a field for each node that holds a stream of theirs; they are online while there is one. A node that dies
/// takes no leave, so each node keeps a set of what it holds and a lease; the sweeper of any other
/// node undoes what a lapsed one has left. One that was only slow announces what it holds again.
public final class PresenceStore: Sendable {
  let runner: ScriptRunner
  /// This process among the nodes.
  public let nodeID: String
  /// What this node has announced: session id, blank, participant id. Bounded by the streams a node may have.
  private let announced = Mutex<Set<String>>([])
  private let hasRenewed = Mutex(false)

  init(runner: ScriptRunner, nodeID: String) {
    self.runner = runner
    self.nodeID = nodeID
  }

  /// This node's first stream of a participant has opened.
  public func connected(_ sessionID: String, participantID: String) async throws(SharedSessionError) {
    let entry = "\(sessionID) \(participantID)"
    announced.withLock { _ = $0.insert(entry) }
    let key = runner.keys.nodePresence(nodeID)
    try await runner.send("SADD", key: key, .string(entry))
    try await runner.send("PEXPIRE", key: key, .integer(Int(runner.settings.maximumLifetime.wholeMilliseconds)))
    try await set(sessionID, participantID, node: nodeID, streams: 1)
  }

  /// This node's last stream of a participant has been gone for a while.
  public func disconnected(_ sessionID: String, participantID: String) async throws(SharedSessionError) {
    let entry = "\(sessionID) \(participantID)"
    announced.withLock { _ = $0.remove(entry) }
    try await set(sessionID, participantID, node: nodeID, streams: 0)
    try await runner.send("SREM", key: runner.keys.nodePresence(nodeID), .string(entry))
  }

  /// Renews this node's own lease. When others have taken this node for dead meanwhile, what it holds is announced again.
  func renew() async throws(SharedSessionError) {
    let isNew =
      try await runner.single(
        ScriptLibrary.indexAdd, runner.keys.nodes,
        [
          "member": .string(nodeID), "rule": "", "delay": .milliseconds(runner.settings.nodeLease),
          "lifetime": .milliseconds(runner.settings.maximumLifetime),
        ]
      ).parts(atLeast: 1).text(0) == "true"
    let wasHere = hasRenewed.withLock { known in
      defer { known = true }
      return known
    }
    guard isNew, wasHere else { return }
    let entries = announced.withLock { $0 }
    runner.logger.warning(
      "This node was taken for dead; it announces its participants again",
      metadata: ["participants": .stringConvertible(entries.count)])
    for entry in entries {
      let ids = entry.split(separator: " ").map(String.init)
      // One that has gone meanwhile is announced by nobody; the set is asked again right before.
      if announced.withLock({ $0.contains(entry) }) { try await connected(ids[0], participantID: ids[1]) }
    }
  }

  /// Takes this node out of the nodes: it holds no stream any more.
  func resign() async throws(SharedSessionError) {
    try await clear(nodeID)
  }

  /// Undoes what a node that is gone has left.
  func clear(_ node: String) async throws(SharedSessionError) {
    let key = runner.keys.nodePresence(node)
    while true {
      let members =
        try await runner.send("SRANDMEMBER", key: key, .integer(200)).array?.compactMap(\.string) ?? []
      guard !members.isEmpty else { break }
      for member in members {
        let parts = member.split(separator: " ").map(String.init)
        if parts.count == 2 { try await set(parts[0], parts[1], node: node, streams: 0) }
        try await runner.send("SREM", key: key, .string(member))
      }
    }
    try await runner.send("ZREM", key: runner.keys.nodes, .string(node))
  }

  private func set(
    _ sessionID: String, _ participantID: String, node: String, streams: Int
  ) async throws(SharedSessionError) {
    let outcome = try await runner.session(
      ScriptLibrary.presenceSet, sessionID,
      ["id": .string(participantID), "node": .string(node), "streams": .integer(streams)])
    switch outcome.refusal {
    case ErrorCode.sessionNotFound.rawValue, ErrorCode.participantNotFound.rawValue: return
    default: _ = try outcome.parts()
    }
  }
}
