internal import Basics
internal import Logging
internal import Observability
internal import RedisClient
internal import Synchronization

/// Who has how many streams open on which node. Sendable: what it has announced is behind a mutex, the rest is immutable.
///
/// A participant's field of the session's presence names each node that holds streams of theirs, and how many; they are online
/// while there is one, and the sum is what their limit is checked against. A node that dies takes no leave, so each node keeps
/// a set of what it holds and a lease; the sweeper of any other node undoes what a lapsed one has left, and until then what is
/// on it is not counted. One that was only slow announces what it holds again.
public final class PresenceStore: Sendable {
  let runner: ScriptRunner
  /// This process among the nodes.
  public let nodeID: String
  /// What this node has announced, by session id, blank, participant id. Bounded by the streams a node may have.
  private let announced = Mutex<[String: Int]>([:])
  private let hasRenewed = Mutex(false)

  init(runner: ScriptRunner, nodeID: String) {
    self.runner = runner
    self.nodeID = nodeID
  }

  /// How many streams of a participant this node holds now.
  ///
  /// - Parameter streams: 0 while the participant may be coming back, and is still online; nil when they are gone.
  public func set(_ sessionID: String, participantID: String, streams: Int?) async throws(SharedSessionError) {
    let entry = "\(sessionID) \(participantID)"
    announced.withLock { $0[entry] = streams }
    try await announce(sessionID, participantID, entry, streams)
  }

  /// Those of some nodes that are alive: they hold a lease by the clock of Redis.
  public func living(_ nodes: some Collection<String>) async throws(SharedSessionError) -> Set<String> {
    guard !nodes.isEmpty else { return [] }
    let now = Double(try await runner.now())
    var living: Set<String> = []
    for node in nodes {
      let end = try await runner.send("ZSCORE", key: runner.keys.nodes, .string(node)).string.flatMap(Double.init)
      if let end, end > now { living.insert(node) }
    }
    return living
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
    let entries = announced.withLock { Array($0.keys) }
    runner.logger.warning(
      "node was taken for dead and announces its participants again",
      metadata: [LogKey.participants: .stringConvertible(entries.count)])
    for entry in entries {
      let ids = entry.split(separator: " ").map(String.init)
      var streams = announced.withLock { $0[entry] }
      // One that has gone meanwhile is announced by nobody.
      guard streams != nil else { continue }
      // What has changed in between may have been overtaken by this.
      repeat {
        try await announce(ids[0], ids[1], entry, streams)
        let newest = announced.withLock { $0[entry] }
        if newest == streams { break }
        streams = newest
      } while true
    }
  }

  private func announce(
    _ sessionID: String, _ participantID: String, _ entry: String, _ streams: Int?
  ) async throws(SharedSessionError) {
    let key = runner.keys.nodePresence(nodeID)
    // The set first, and last: whoever clears up after this node finds there where to look.
    if streams != nil {
      try await runner.send("SADD", key: key, .string(entry))
      try await runner.send("PEXPIRE", key: key, .integer(Int(runner.settings.maximumLifetime.wholeMilliseconds)))
    }
    try await write(sessionID, participantID, node: nodeID, streams)
    if streams == nil { try await runner.send("SREM", key: key, .string(entry)) }
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
        if parts.count == 2 { try await write(parts[0], parts[1], node: node, nil) }
        try await runner.send("SREM", key: key, .string(member))
      }
    }
    try await runner.send("ZREM", key: runner.keys.nodes, .string(node))
  }

  private func write(
    _ sessionID: String, _ participantID: String, node: String, _ streams: Int?
  ) async throws(SharedSessionError) {
    let outcome = try await runner.session(
      ScriptLibrary.presenceSet, sessionID,
      ["id": .string(participantID), "node": .string(node), "streams": streams.map { .integer($0) } ?? ""])
    switch outcome.refusal {
    case ErrorCode.sessionNotFound.rawValue, ErrorCode.participantNotFound.rawValue: return
    default: _ = try outcome.parts()
    }
  }
}
