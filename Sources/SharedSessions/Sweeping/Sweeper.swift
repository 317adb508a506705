internal import Logging
internal import Observability
internal import RedisClient

/// Does what is due: ends expired sessions, fails prompts nobody started, notices bridges and nodes that are gone, and makes
/// up for what a node that died between two steps has left.
///
/// A value without a leader: every node runs one. An entry that is due is claimed by whoever reads it first, so that
/// usually only one node works on it; that what is due happens once is decided in the scripts.
struct Sweeper: SweepDuties {
  let runner: ScriptRunner
  let index: SessionIndex
  let closer: SessionCloser
  let queue: DispatchQueue
  let presence: PresenceStore
  let layout: LayoutCheck
  var clock: any Clock<Duration> = ContinuousClock()
  private var keys: KeyLayout { runner.keys }

  /// Entries taken from one bucket in one round.
  private static let batch = 50
  /// How long a node has for one entry before another one tries, in milliseconds.
  private static let claim = 10_000

  private var loop: SweepLoop<Sweeper> {
    SweepLoop(
      duties: self, clock: clock, sweepInterval: runner.settings.sweepInterval, nodeLease: runner.settings.nodeLease,
      logger: runner.logger)
  }

  /// Sweeps until cancelled.
  func run() async { await loop.run() }

  /// One round, to its end.
  func sweep() async throws { try await loop.sweepOnce() }

  func renewLease() async throws { try await presence.renew() }

  func keepLayout() async throws { await layout.keep() }

  /// What an index is about.
  enum Work: Sendable {
    case session, listing, host, node
  }

  /// An entry of an index that is due, claimed by this node.
  struct Entry: Sendable {
    let key: String
    let work: Work
    let member: String
    /// The score it is claimed at, and the time of Redis, both in milliseconds.
    let claimed: Int
    let now: Int
  }

  func name(of entry: Entry) -> String { "\(entry.key) \(entry.member)" }

  /// All buckets are read in one trip. One that cannot be read holds up no other.
  func due() async throws -> [Entry] {
    let buckets = 0..<KeyLayout.buckets
    let kinds: [(key: String, work: Work)] =
      buckets.map { (keys.deadlines(bucket: $0), .session) } + buckets.map { (keys.listings(bucket: $0), .listing) }
      + buckets.map { (keys.leases(bucket: $0), .host) } + [(keys.nodes, .node)]
    return await withTaskGroup(of: [Entry].self) { group in
      for kind in kinds {
        group.addTask {
          do { return try await due(kind.key, kind.work) } catch {
            runner.logger.debug(
              "sweep cut short",
              metadata: [LogKey.redisKey: .string(kind.key), LogKey.error: .string("\(error)")])
            return []
          }
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
  }

  private func due(_ key: String, _ work: Work) async throws(SharedSessionError) -> [Entry] {
    let parts = try await runner.single(
      ScriptLibrary.indexDue, key, ["most": .integer(Self.batch), "claim": .integer(Self.claim)]
    ).parts(atLeast: 1)
    let claimed = try parts.number(0)
    var entries: [Entry] = []
    for at in stride(from: 1, to: parts.count, by: 2) {
      entries.append(
        Entry(key: key, work: work, member: try parts.text(at), claimed: claimed, now: claimed - Self.claim))
    }
    return entries
  }

  /// Does what is due for one entry, and gives it its next time or removes it.
  func handle(_ entry: Entry) async {
    do throws(SharedSessionError) {
      let next: Int? =
        switch entry.work {
        case .session: try await session(entry.member, entry.now)
        case .listing: try await index.check(entry.member, now: entry.now)
        case .host: try await host(entry.member, entry.now)
        case .node: try await node(entry.member)
        }
      _ = try await runner.single(
        ScriptLibrary.indexMove, entry.key,
        [
          "member": .string(entry.member), "from": .integer(entry.claimed),
          "delay": next.map { .integer(max(0, $0)) } ?? "",
        ])
    } catch {
      // The claim runs out and somebody tries again; the other entries must not wait for it.
      runner.logger.info(
        "deadline not dealt with yet",
        metadata: [
          LogKey.redisKey: .string(entry.key), LogKey.redisMember: .string(entry.member),
          LogKey.error: .string(error.message),
        ])
    }
  }

  /// A session's deadline: its end, or an approval whose time is over.
  ///
  /// - Returns: in how many milliseconds to look again; nil when there is nothing more to look at.
  private func session(_ id: String, _ now: Int) async throws(SharedSessionError) -> Int? {
    let outcome = try await runner.session(ScriptLibrary.sessionDue, id)
    guard outcome.refusal == nil else { return nil }
    let state = try SessionState(outcome)
    switch SessionDuty(state, now: now) {
    case .forget: return nil
    case .expire: return try NextLook.afterExpiry(try await closer.close(id, .expire), now: now)
    case .goOn: return try await closer.goOn(id) ? nil : 0
    case .retire(let goneIn):
      let session = Listed(id: id, hostSessionID: state.hostSessionID, workspaceID: state.workspaceID)
      try await index.retire(session, goneIn: .milliseconds(goneIn), isDone: true)
      return nil
    case .check(let next): return next
    case .failOverdue(let latest): return min(latest, try await failOverdue(in: id, state) ?? .max)
    }
  }

  /// Fails what has waited too long in a session, and makes sure that its bridge knows of what still waits.
  private func failOverdue(in id: String, _ state: SessionState) async throws(SharedSessionError) -> Int? {
    let host = try await runner.hostState(state.hostSessionID)
    var isStarted = false
    if let host, host.isAttached, let running = host.running {
      isStarted = try await runner.dispatchState(running).state == "started"
    }
    let duty = WaitingDuty(state, host: host, isStarted: isStarted)
    if let fence = duty.announces { try await runner.announceHost(id, fence: String(fence), online: true) }
    var next: Int?
    for _ in 0..<Self.stepsAtOnce {
      next = try await failSome(in: id, isBusy: duty.isBusy)
      guard let next, next <= 0 else { break }
    }
    if duty.wakes { try await runner.wake(state.hostSessionID) }
    return next
  }

  /// Steps of one session a sweeper takes before it looks at others.
  private static let stepsAtOnce = 2

  /// One step of that, of bounded work.
  ///
  /// - Returns: in how many milliseconds the next is due; nil when nothing is.
  private func failSome(in id: String, isBusy: Bool) async throws(SharedSessionError) -> Int? {
    let grace = runner.settings.hostGrace
    let parts = try await runner.session(
      ScriptLibrary.sessionSweep, id,
      [
        "host": isBusy ? "busy" : "free", "grace": .milliseconds(grace),
        "unavailable": .quoted("host agent unavailable"),
        "away": .quoted("the host went offline and did not come back within \(grace.inWords)"),
      ]
    ).parts(atLeast: 4)
    DispatchQueue.countFailed("overdue", try parts.number(1))
    DispatchQueue.countFailed("grace", try parts.number(2))
    let now = try parts.number(3)
    return Int(try parts.text(0)).map { max(0, $0 - now) }
  }

  /// A lease's end: the host's bridge is gone, or has renewed it.
  private func host(_ id: String, _ now: Int) async throws(SharedSessionError) -> Int? {
    let outcome = try await runner.host(ScriptLibrary.hostLapse, id)
    if case .refused("not_due", let detail) = outcome { return detail.first.flatMap(Int.init).map { $0 - now } }
    guard outcome.refusal == nil else { return nil }
    let parts = try outcome.parts(atLeast: 5)
    let fence = try parts.number(0)
    if let running = try RunningDispatch(in: parts, at: 1) {
      try await queue.failAfterBridgeLoss(
        id, running, fence: fence,
        message: "the host's bridge was lost while this prompt was running, so its outcome is unknown")
    }
    let (runner, index, grace) = (runner, index, runner.settings.hostGrace)
    try await runner.together(
      try parts.list(4).map { sessionID in
        {
          try await runner.announceHost(sessionID, fence: String(fence), online: false)
          if grace > .zero { try await index.scheduleCheck(sessionID, within: grace) }
        }
      })
    return nil
  }

  /// A node's end.
  private func node(_ id: String) async throws(SharedSessionError) -> Int? {
    try await presence.clear(id)
    return nil
  }
}
