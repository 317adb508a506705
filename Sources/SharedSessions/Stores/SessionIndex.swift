internal import Logging
internal import NIOCore
internal import Observability
internal import RedisClient

/// The sorted sets by which sessions are listed and found when something in them is due. A value.
///
/// They lie in other slots than the sessions, so they are hints: a session's own hash is the truth. Each step here may be
/// lost with the node that takes it and may be repeated; the entry in `listings` that comes before a session exists makes a
/// sweeper look whether all of them were taken.
struct SessionIndex: Sendable {
  let runner: ScriptRunner
  private var keys: KeyLayout { runner.keys }

  /// How long a creation may take before a sweeper looks what has become of it.
  private static let creationTime: Duration = .seconds(10)

  /// Notes that a session is about to be created; the first step, so that whatever is left of it is found.
  func noteBeginning(_ sessionID: String, hostSessionID: String) async -> Result<Void, SharedSessionError> {
    do throws(SharedSessionError) {
      try await add(
        "\(sessionID) \(hostSessionID)", to: keys.listings(bucket: KeyLayout.bucket(of: sessionID)),
        within: Self.creationTime)
      return .success(())
    } catch { return .failure(error) }
  }

  /// Lists a session that exists; what is there already stays as it is.
  func list(
    _ session: Listed, endsIn: Duration, goneIn: Duration
  ) async throws(SharedSessionError) {
    let (id, bucket) = (session.id, KeyLayout.bucket(of: session.id))
    try await runner.together([
      { try await add(id, to: keys.allSessions, unlessThere: true) },
      { try await add(id, to: keys.activeSessions, unlessThere: true) },
      { try await add(id, to: keys.workspaceSessions(session.workspaceID), unlessThere: true) },
      { try await add(id, to: keys.sessionsOfHost(session.hostSessionID), unlessThere: true) },
      {
        try await add(id, to: keys.deadlines(bucket: bucket), within: min(endsIn, SharedSessionSettings.longestUnseen))
      },
      { try await add(session.entry, to: keys.listings(bucket: bucket), within: goneIn) },
      {
        try await runner.send(
          "ZREM", key: keys.listings(bucket: bucket), .string("\(id) \(session.hostSessionID)"))
      },
    ])
  }

  /// Makes sure a sweeper looks at a session no later than in this time; nothing for an id that is no active session.
  func scheduleCheck(_ sessionID: String, within time: Duration) async throws(SharedSessionError) {
    _ = try await runner.single(
      ScriptLibrary.indexAdd, keys.deadlines(bucket: KeyLayout.bucket(of: sessionID)),
      [
        "member": .string(sessionID), "rule": "XX", "delay": .milliseconds(max(.zero, time)),
        "lifetime": .milliseconds(lifetime),
      ])
  }

  /// Moves the time at which a session is known to be gone.
  func scheduleRemoval(_ session: Listed, within time: Duration) async throws(SharedSessionError) {
    try await add(session.entry, to: keys.listings(bucket: KeyLayout.bucket(of: session.id)), within: time)
  }

  /// Takes a session that has ended out of the indexes of active ones, and its host session's next prompt forward.
  ///
  /// - Parameter isDone: whether everything in it has ended; else a sweeper goes on at once.
  func retire(_ session: Listed, goneIn: Duration, isDone: Bool) async throws(SharedSessionError) {
    let id = session.id
    try await runner.together([
      { try await scheduleRemoval(session, within: goneIn) },
      { try await runner.send("ZREM", key: keys.activeSessions, .string(id)) },
      { _ = try await runner.host(ScriptLibrary.hostDrop, session.hostSessionID, ["id": .string(id)]) },
      {
        if isDone {
          try await runner.send("ZREM", key: keys.deadlines(bucket: KeyLayout.bucket(of: id)), .string(id))
        } else {
          try await scheduleCheck(id, within: .zero)
        }
      },
    ])
  }

  /// Takes a session that is gone, or was never made, out of every list.
  func forget(_ session: Listed) async throws(SharedSessionError) {
    let id = session.id
    var lists = [keys.allSessions, keys.activeSessions, keys.deadlines(bucket: KeyLayout.bucket(of: id))]
    lists.append(keys.sessionsOfHost(session.hostSessionID))
    if !session.workspaceID.isEmpty { lists.append(keys.workspaceSessions(session.workspaceID)) }
    try await runner.together(lists) { list in try await runner.send("ZREM", key: list, .string(id)) }
    _ = try await runner.host(ScriptLibrary.hostDrop, session.hostSessionID, ["id": .string(id)])
  }

  /// Looks whether a session is listed as it should be.
  ///
  /// - Parameter entry: of the index `listings`.
  /// - Returns: in how many milliseconds to look again; nil when there is nothing more to look at.
  func check(_ entry: String, now: Int) async throws(SharedSessionError) -> Int? {
    guard let listed = Listed(entry: entry) else { return nil }
    let due = try await runner.session(ScriptLibrary.sessionDue, listed.id)
    guard due.refusal == nil else {
      try await forget(listed)
      return nil
    }
    let state = try SessionState(due)
    let session = Listed(id: listed.id, hostSessionID: state.hostSessionID, workspaceID: state.workspaceID)
    let goneIn = max(0, state.purgeAt - now)
    if state.status == .active {
      try await list(
        session, endsIn: .milliseconds(max(0, state.endsAt - now)), goneIn: .milliseconds(goneIn + 1_000))
      try await runner.takeAgent(session.id, of: session.hostSessionID)
    } else {
      try await retire(session, goneIn: .milliseconds(goneIn + 1_000), isDone: state.status != .ending)
    }
    return listed.workspaceID.isEmpty ? nil : goneIn + 1_000
  }

  private func add(
    _ member: String, to key: String, within delay: Duration = .zero, unlessThere: Bool = false
  ) async throws(SharedSessionError) {
    _ = try await runner.single(
      ScriptLibrary.indexAdd, key,
      [
        "member": .string(member), "rule": unlessThere ? "NX" : "", "delay": .milliseconds(delay),
        "lifetime": .milliseconds(lifetime),
      ])
  }

  /// An index nobody adds to for longer than a session can last holds nothing that lives.
  private var lifetime: Duration { runner.settings.maximumLifetime + runner.settings.retention + .seconds(86_400) }
}

extension ScriptRunner {
  /// Takes steps that do not depend on each other in one trip; all are tried, the first failure is thrown.
  func together(_ steps: [@Sendable () async throws -> Void]) async throws(SharedSessionError) {
    let failure = await withTaskGroup(of: (any Error)?.self) { group in
      for step in steps {
        group.addTask {
          do {
            try await step()
            return nil
          } catch { return error }
        }
      }
      return await group.reduce(nil) { $0 ?? $1 }
    }
    if let failure { throw failure as? SharedSessionError ?? SharedSessionError(.internalError) }
  }

  /// Takes the same step for each of some items in one trip; all are tried, the first failure is thrown.
  func together<Item: Sendable>(
    _ items: [Item], _ step: @escaping @Sendable (Item) async throws -> Void
  ) async throws(SharedSessionError) {
    var steps: [@Sendable () async throws -> Void] = []
    for item in items { steps.append { try await step(item) } }
    try await together(steps)
  }

  /// Takes steps whose loss does no harm, because a sweeper or the next look makes up for them.
  func hint(_ what: StaticString, of sessionID: String, _ steps: [@Sendable () async throws -> Void]) async {
    do { try await together(steps) } catch {
      logger.info(
        "part of a change left to the sweeper",
        metadata: [
          LogKey.sharedSessionID: .string(sessionID), LogKey.step: .string("\(what)"),
          LogKey.error: .string(error.message),
        ])
    }
  }
}

/// What the indexes know of a session. A value.
struct Listed: Sendable, Hashable {
  let id: String
  let hostSessionID: String
  /// '' while it is not known.
  let workspaceID: String

  init(id: String, hostSessionID: String, workspaceID: String) {
    self.id = id
    self.hostSessionID = hostSessionID
    self.workspaceID = workspaceID
  }

  /// Reads an entry of the index `listings`.
  init?(entry: String) {
    let ids = entry.split(separator: " ").map(String.init)
    guard ids.count == 2 || ids.count == 3 else { return nil }
    self.init(id: ids[0], hostSessionID: ids[1], workspaceID: ids.count == 3 ? ids[2] : "")
  }

  var entry: String { workspaceID.isEmpty ? "\(id) \(hostSessionID)" : "\(id) \(hostSessionID) \(workspaceID)" }
}

/// Where a session is in its life, and what is due in it: the answer of `session_due.lua`. A value.
struct SessionState: Sendable, Hashable {
  /// As a sweeper sees it.
  enum Status: String, Sendable {
    case active, expired, ending, ended
  }

  let status: Status
  let endsAt: Int
  let purgeAt: Int
  let workspaceID: String
  let hostSessionID: String
  /// The nearest deadline of an approval, in milliseconds.
  let nearest: Int?
  let queued: Int
  let isHostAway: Bool

  init(_ outcome: ScriptOutcome) throws(SharedSessionError) {
    let parts = try outcome.parts(atLeast: 8)
    guard let status = Status(rawValue: try parts.text(0)) else { throw SharedSessionError(.internalError) }
    self.status = status
    endsAt = try parts.number(1)
    purgeAt = try parts.number(2)
    workspaceID = try parts.text(3)
    hostSessionID = try parts.text(4)
    nearest = Int(try parts.text(5))
    queued = try parts.number(6)
    isHostAway = try !parts.text(7).isEmpty
  }
}
