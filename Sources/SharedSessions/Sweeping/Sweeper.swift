internal import Logging
internal import NIOCore
internal import RedisClient

/// Does what is due: ends expired sessions, gives up prompts nobody started, notices bridges and nodes that are gone, and makes
/// up for what a node that died between two steps has left.
///
/// A value without a leader: every node runs one. An entry that is due is claimed by whoever reads it first, so that
/// usually only one node works on it; that what is due happens once is decided in the scripts.
struct Sweeper: Sendable {
  let runner: ScriptRunner
  let index: SessionIndex
  let closer: SessionCloser
  let queue: DispatchQueue
  let presence: PresenceStore
  let layout: LayoutCheck
  private var keys: KeyLayout { runner.keys }

  /// Entries taken from one bucket in one round, and how many are worked on at a time.
  private static let batch = 50
  private static let atOnce = 16
  /// How long a node has for one entry before another one tries, in milliseconds.
  private static let claim = 10_000

  /// Sweeps until cancelled. This node's own lease is renewed by a task of its own, however long a round takes.
  func run() async {
    let (interval, lease) = (runner.settings.sweepInterval, runner.settings.nodeLease)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await repeating(every: lease / 4, "A node's lease could not be renewed") { try await presence.renew() }
      }
      // Jitter keeps many nodes from looking at the same moment.
      group.addTask { await repeating(every: interval, jitter: 0.2, "A sweep was cut short") { try await sweep() } }
      group.addTask {
        await repeating(every: .seconds(3_600), "The layout could not be noted") { try await layout.keep() }
      }
      await group.waitForAll()
    }
  }

  private func repeating(
    every period: Duration, jitter: Double = 0, _ failure: Logger.Message, _ body: () async throws -> Void
  ) async {
    while !Task.isCancelled {
      do { try await body() } catch {
        runner.logger.debug(failure, metadata: ["error": .string("\(error)")])
      }
      let pause = period * Double.random(in: (1 - jitter)...(1 + jitter))
      guard (try? await Task.sleep(for: pause)) != nil else { return }
    }
  }

  /// One round: all buckets are read in one trip, then what is due is done, several entries at a time.
  func sweep() async throws(SharedSessionError) {
    let buckets = 0..<KeyLayout.buckets
    let kinds: [(key: String, work: Work)] =
      buckets.map { (keys.deadlines(bucket: $0), .session) } + buckets.map { (keys.listings(bucket: $0), .listing) }
      + buckets.map { (keys.leases(bucket: $0), .host) } + [(keys.nodes, .node)]
    let due = try await due(kinds)
    await withTaskGroup(of: Void.self) { group in
      for (i, entry) in due.enumerated() {
        if i >= Self.atOnce { await group.next() }
        group.addTask { await handle(entry) }
      }
    }
  }

  /// What an index is about.
  private enum Work: Sendable {
    case session, listing, host, node
  }

  /// An entry of an index that is due, claimed by this node.
  private struct Entry: Sendable {
    let key: String
    let work: Work
    let member: String
    /// The score it is claimed at, and the time of Redis, both in milliseconds.
    let claimed: Int
    let now: Int
  }

  private func due(_ kinds: [(key: String, work: Work)]) async throws(SharedSessionError) -> [Entry] {
    let runner = runner
    let results = await withTaskGroup(of: Result<[Entry], any Error>.self) { group in
      for kind in kinds {
        group.addTask {
          do {
            let parts = try await runner.single(
              ScriptLibrary.indexDue, kind.key, ["most": .integer(Self.batch), "claim": .integer(Self.claim)]
            ).parts(atLeast: 1)
            let claimed = try parts.number(0)
            return .success(
              try stride(from: 1, to: parts.count, by: 2).map { at in
                Entry(
                  key: kind.key, work: kind.work, member: try parts.text(at), claimed: claimed,
                  now: claimed - Self.claim)
              })
          } catch { return .failure(error) }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    var entries: [Entry] = []
    for result in results {
      do { entries += try result.get() } catch {
        throw error as? SharedSessionError ?? SharedSessionError(.internalError)
      }
    }
    return entries
  }

  /// Does what is due for one entry, and gives it its next time or removes it.
  private func handle(_ entry: Entry) async {
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
        "A deadline could not be dealt with yet",
        metadata: ["redis.key": .string(entry.key), "member": .string(entry.member), "error": .string(error.message)])
    }
  }

  /// A session's deadline: its end, or an approval whose time is over.
  ///
  /// - Returns: in how many milliseconds to look again; nil when there is nothing more to look at.
  private func session(_ id: String, _ now: Int) async throws(SharedSessionError) -> Int? {
    let outcome = try await runner.session(ScriptLibrary.sessionDue, id)
    guard outcome.refusal == nil else { return nil }
    let state = try SessionState(outcome)
    switch state.status {
    case .expired:
      let closed = try await closer.close(id, .expire)
      if case .refused("not_due", let detail) = closed { return detail.first.flatMap(Int.init).map { $0 - now } }
      if let word = closed.refusal, word != ErrorCode.sessionInactive.rawValue { _ = try closed.parts() }
      guard case .ok(let parts) = closed else { return nil }
      return try parts.text(3) == "true" ? nil : 0
    case .ending: return try await closer.goOn(id) ? nil : 0
    case .ended:
      let gone: Duration = .milliseconds(max(0, state.purgeAt - now) + 1_000)
      try await index.retire(
        Listed(id: id, hostSessionID: state.hostSessionID, workspaceID: state.workspaceID), goneIn: gone, isDone: true)
      return nil
    case .active:
      var next = min(state.endsAt - now, Int(SharedSessionSettings.longestUnseen.milliseconds))
      if let nearest = state.nearest { next = min(next, nearest - now) }
      // Prompts wait: their time may be over, or the signal that there is work may have been lost.
      if next <= 0 || state.queued > 0 { next = min(next, try await work(in: id, state, now) ?? .max) }
      return next
    }
  }

  /// Ends what has waited too long in a session, and makes sure that its bridge knows of what still waits.
  private func work(in id: String, _ state: SessionState, _ now: Int) async throws(SharedSessionError) -> Int? {
    let host = try await host(state.hostSessionID)
    // Whoever attached it may have died before this session heard of it.
    if let host, host.isAttached, state.isHostAway || state.queued > 0 {
      try await runner.announceHost(id, fence: host.fence, online: true)
    }
    let grace = runner.settings.hostGrace
    let parts = try await runner.session(
      ScriptLibrary.sessionSweep, id,
      [
        "host": host.map { $0.isAttached && $0.isBusy(in: id) ? "busy" : "free" } ?? "free",
        "grace": .milliseconds(grace), "unavailable": .quoted("host agent unavailable"),
        "away": .quoted("the host went offline and did not come back within \(grace.inWords)"),
      ]
    ).parts(atLeast: 3)
    DispatchQueue.countFailed("overdue", try parts.number(1))
    DispatchQueue.countFailed("grace", try parts.number(2))
    if let host, host.isAttached, state.queued > 0 { try await runner.wake(state.hostSessionID) }
    return Int(try parts.text(0)).map { $0 - now }
  }

  /// Whether a host session's bridge is attached, and what holds its slot. A value.
  private struct HostState: Sendable {
    let isAttached: Bool
    let fence: String
    let running: RunningDispatch
    let isStarted: Bool

    /// While a turn runs the host agent is not unavailable, only busy.
    func isBusy(in sessionID: String) -> Bool { !running.dispatch.isEmpty && isStarted }
  }

  private func host(_ hostSessionID: String) async throws(SharedSessionError) -> HostState? {
    let outcome = try await runner.host(ScriptLibrary.hostRead, hostSessionID)
    guard outcome.refusal == nil else { return nil }
    let parts = try outcome.parts(atLeast: 8)
    let running = RunningDispatch(
      session: try parts.text(3), approval: try parts.text(4), dispatch: try parts.text(5))
    var isStarted = false
    if !running.dispatch.isEmpty {
      let state = try await runner.session(
        ScriptLibrary.dispatchState, running.session, ["id": .string(running.approval)]
      ).parts(atLeast: 1)
      isStarted = try state.text(0) == "started"
    }
    return HostState(
      isAttached: try parts.text(2) == "true", fence: try parts.text(1), running: running, isStarted: isStarted)
  }

  /// A lease's end: the host's bridge is gone, or has renewed it.
  private func host(_ id: String, _ now: Int) async throws(SharedSessionError) -> Int? {
    let outcome = try await runner.host(ScriptLibrary.hostLapse, id)
    if case .refused("not_due", let detail) = outcome { return detail.first.flatMap(Int.init).map { $0 - now } }
    guard outcome.refusal == nil else { return nil }
    let parts = try outcome.parts(atLeast: 5)
    let fence = try parts.text(0)
    try await queue.abandon(
      id, RunningDispatch(session: try parts.text(1), approval: try parts.text(2), dispatch: try parts.text(3)),
      fence: fence, message: "the host's bridge was lost while this prompt was running, so its outcome is unknown")
    let (runner, index, grace) = (runner, index, runner.settings.hostGrace)
    try await runner.together(try parts.list(4)) { sessionID in
      try await runner.announceHost(sessionID, fence: fence, online: false)
      if grace > .zero { try await index.scheduleCheck(sessionID, within: grace) }
    }
    return nil
  }

  /// A node's end.
  private func node(_ id: String) async throws(SharedSessionError) -> Int? {
    try await presence.clear(id)
    return nil
  }
}
