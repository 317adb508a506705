internal import Foundation
internal import Logging
internal import NIOCore
internal import RedisClient

/// Does what is due: ends expired sessions, gives up dispatches nobody started, notices bridges and nodes that are gone.
///
/// A value without a leader: every node runs one. An entry that is due is moved a little into the future by whoever sees it
/// first, so that usually only one node works on it; that what is due happens once is decided in the scripts.
struct Sweeper: Sendable {
  let runner: ScriptRunner
  let index: SessionIndex
  let closer: SessionCloser
  let queue: DispatchQueue
  let presence: PresenceStore
  private var keys: KeyLayout { runner.keys }

  /// Entries taken from one bucket in one round.
  private static let batch = 50
  /// How long a node has for one entry before another one tries.
  private static let claim = 10_000
  /// How long an entry without a session or host session is looked at before it is dropped.
  private static let danglingAge = 60_000

  /// Sweeps until cancelled.
  func run() async {
    let interval = runner.settings.sweepInterval
    while !Task.isCancelled {
      do {
        try await sweep()
      } catch {
        runner.logger.debug("A sweep was cut short", metadata: ["error": .string(error.message)])
      }
      // Jitter keeps many nodes from looking at the same moment.
      let pause = interval * Double.random(in: 0.8...1.2)
      guard (try? await Task.sleep(for: pause)) != nil else { return }
    }
  }

  /// One round over all buckets.
  func sweep() async throws(SharedSessionError) {
    try await presence.renew()
    let now = try await index.now()
    for bucket in 0..<KeyLayout.buckets {
      try await each(in: keys.deadlines(bucket: bucket), now) { id, score async throws(SharedSessionError) in
        try await session(id, score, now)
      }
      try await each(in: keys.purges(bucket: bucket), now) { entry, _ async throws(SharedSessionError) in
        try await index.purge(entry) ? nil : now + 5_000
      }
      try await each(in: keys.leases(bucket: bucket), now) { id, score async throws(SharedSessionError) in
        try await host(id, score, now)
      }
    }
    try await each(in: keys.nodes, now) { node, _ async throws(SharedSessionError) in
      try await presence.clear(node)
      return nil
    }
  }

  /// Takes the due entries of an index and gives each its next time, or removes it.
  private func each(
    in key: String, _ now: Int,
    _ body: (_ member: String, _ score: Int) async throws(SharedSessionError) -> Int?
  ) async throws(SharedSessionError) {
    let due =
      try await runner.send(
        "ZRANGE", key: key, "-inf", .integer(now), "BYSCORE", "LIMIT", 0, .integer(Self.batch), "WITHSCORES"
      ).array ?? []
    for i in stride(from: 0, to: due.count - 1, by: 2) {
      guard let member = due[i].string, let score = due[i + 1].integer else { continue }
      let claimed = String(now + Self.claim)
      guard try await move(key, member, from: String(score), to: claimed) else { continue }
      do {
        let next = try await body(member, score)
        _ = try await move(key, member, from: claimed, to: next.map(String.init) ?? "")
      } catch {
        // The claim runs out and somebody tries again; the other entries must not wait for it.
        runner.logger.info(
          "A deadline could not be dealt with yet",
          metadata: ["redis.key": .string(key), "member": .string(member), "error": .string(error.message)])
      }
    }
  }

  private func move(
    _ key: String, _ member: String, from: String, to: String
  ) async throws(SharedSessionError) -> Bool {
    try await runner.evaluate(
      ScriptLibrary.indexMove, keys: [key], arguments: [.string(member), .string(from), .string(to)]
    ).integer == 1
  }

  /// A session's deadline: its end, or a dispatch that nobody has started.
  private func session(_ id: String, _ score: Int, _ now: Int) async throws(SharedSessionError) -> Int? {
    let outcome = try await runner.run(
      ScriptLibrary.sessionDue, keys: [keys.session(id), keys.queue(id), keys.expiring(id)], arguments: [])
    // The entry is there before its session is; one that stays without is what a failed creation has left.
    guard outcome.refusal == nil else { return score < now - Self.danglingAge ? nil : now + Self.danglingAge }
    let parts = try outcome.parts(atLeast: 5)
    switch try parts.text(0) {
    case "expired":
      let closed = try await closer.close(id, .expire)
      if case .refused("not_due", let due) = closed { return Int(due) }
      guard closed.refusal != "retry" else { return now + 200 }
      if let word = closed.refusal, word != ErrorCode.sessionInactive.rawValue { _ = try closed.parts() }
      return nil
    case "active":
      var next = min(try parts.number(1), try await expireApprovals(of: id, try parts.list(4), now))
      next = min(next, try await giveUp(try parts.list(3), of: id, hostedBy: try parts.text(2), now))
      return next
    default:
      // Ended; a close that was cut short left it here.
      try await index.retire(id)
      return nil
    }
  }

  /// Gives up the waiting prompts of a session that have waited too long.
  ///
  /// - Returns: when the next one is due; a time far off when none waits.
  private func giveUp(
    _ waiting: [String], of id: String, hostedBy hostSessionID: String, _ now: Int
  ) async throws(SharedSessionError) -> Int {
    guard !waiting.isEmpty else { return .max }
    let host = try await host(hostSessionID)
    // While another turn runs the host agent is not unavailable, only busy.
    if let host, host.isAttached, !host.running.isEmpty, !waiting.contains(host.running) { return now + 1_000 }
    // Whoever attached it may have died before this session heard of it.
    if let host, host.isAttached { try await runner.announceHost(id, fence: host.fence, online: true) }
    var (next, failed) = (Int.max, 0)
    for approvalID in waiting {
      switch try await queue.giveUp(id, approvalID: approvalID) {
      case .due(let due): next = min(next, due)
      case .failed: failed += 1
      case .gone: break
      }
    }
    // A full batch of which some are gone: behind it there may be more that are due now.
    return waiting.count == Self.waitingBatch && failed > 0 ? now : next
  }

  /// Approvals of a session that `session_due.lua` answers at most.
  private static let waitingBatch = 100

  /// Expires the pending approvals of a session whose time is over.
  ///
  /// - Returns: when the next one is due; a time far off when none has a time.
  private func expireApprovals(
    of id: String, _ approvals: [String], _ now: Int
  ) async throws(SharedSessionError) -> Int {
    for approvalID in approvals {
      let key = keys.approval(id, approvalID)
      let author = try await runner.send("HGET", key: key, "participantId").string ?? ""
      let outcome = try await runner.session(
        ScriptLibrary.approvalExpire, id, participantID: author,
        keys: [key, keys.pending(id), keys.expiring(id)], arguments: [.string(approvalID)])
      if case .refused("not_due", let due) = outcome { return Int(due) ?? now + 1_000 }
    }
    // A full batch: there may be more that is due now.
    return approvals.count < 100 ? .max : now
  }

  /// Whether a host session's bridge is attached, and the approval whose turn holds its slot ('' none); nil when it is gone.
  private func host(
    _ hostSessionID: String
  ) async throws(SharedSessionError) -> (isAttached: Bool, fence: String, running: String)? {
    let outcome = try await runner.host(ScriptLibrary.hostRead, hostSessionID)
    guard outcome.refusal == nil else { return nil }
    let parts = try outcome.parts(atLeast: 8)
    return (try parts.number(2) > (try await index.now()), try parts.text(1), try parts.text(4))
  }

  /// A lease's end: the host's bridge is gone, or has renewed it.
  private func host(_ id: String, _ score: Int, _ now: Int) async throws(SharedSessionError) -> Int? {
    let outcome = try await runner.host(ScriptLibrary.hostLapse, id)
    if case .refused("not_due", let due) = outcome { return Int(due) }
    guard outcome.refusal == nil else { return nil }
    let parts = try outcome.parts(atLeast: 5)
    try await queue.abandon(
      id,
      RunningDispatch(session: try parts.text(2), approval: try parts.text(3), dispatch: try parts.text(4)),
      message: "the host's bridge was lost while this prompt was running, so its outcome is unknown")
    for sessionID in try parts.list(1) {
      try await runner.announceHost(sessionID, fence: try parts.text(0), online: false)
      if runner.settings.hostGrace > .zero { try await index.expect(sessionID, within: runner.settings.hostGrace) }
    }
    return nil
  }
}
