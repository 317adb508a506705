internal import RedisClient

/// Who is attached to a host session and what holds its one running slot: the answer of `host_read.lua`. A value.
struct HostState: Sendable, Hashable {
  /// The number of the newest attachment.
  let fence: Int
  /// Whether its lease still lasts.
  let isAttached: Bool
  /// What holds the running slot.
  let running: RunningDispatch?
  /// The dispatch whose turn somebody has asked to stop.
  let cancelling: String?
  /// The ids of its shared sessions.
  let sessions: [String]

  init(fence: Int, isAttached: Bool, running: RunningDispatch?, cancelling: String?, sessions: [String]) {
    self.fence = fence
    self.isAttached = isAttached
    self.running = running
    self.cancelling = cancelling
    self.sessions = sessions
  }

  init(_ parts: [RedisValue]) throws(SharedSessionError) {
    let cancelling = try parts.text(6)
    self.init(
      fence: try parts.number(1), isAttached: try parts.text(2) == "true",
      running: try RunningDispatch(in: parts, at: 3), cancelling: cancelling.isEmpty ? nil : cancelling,
      sessions: try parts.list(7))
  }
}

/// What holds a host session's running slot. A value.
struct RunningDispatch: Sendable, Hashable {
  let session: String
  let approval: String
  let dispatch: String

  init(session: String, approval: String, dispatch: String) {
    self.session = session
    self.approval = approval
    self.dispatch = dispatch
  }

  /// Reads the three parts from `index` on; nil when nothing holds the slot.
  init?(in parts: [RedisValue], at index: Int) throws(SharedSessionError) {
    self.init(
      session: try parts.text(index), approval: try parts.text(index + 1), dispatch: try parts.text(index + 2))
    if dispatch.isEmpty { return nil }
  }
}

/// A dispatch as it was handed out. A value.
struct DeliveredDispatch: Sendable, Hashable {
  let id: String
  let attempt: Int
}

extension ScriptRunner {
  /// A host session as it is now; nil when there is none.
  func hostState(_ hostSessionID: String) async throws(SharedSessionError) -> HostState? {
    let outcome = try await host(ScriptLibrary.hostRead, hostSessionID)
    if outcome.refusal == ErrorCode.hostSessionNotFound.rawValue { return nil }
    return try HostState(try outcome.parts(atLeast: 8))
  }

  /// Where a dispatch is, and whether its turn was told to stop; its state is '' when there is none.
  func dispatchState(
    _ dispatch: RunningDispatch
  ) async throws(SharedSessionError) -> (state: String, attempt: Int, isCancelled: Bool) {
    let parts = try await session(
      ScriptLibrary.dispatchState, dispatch.session, ["id": .string(dispatch.approval)]
    ).parts(atLeast: 3)
    return (try parts.text(0), try parts.number(1), try parts.text(2) == "true")
  }

  /// Makes sure the sweeper looks at a host session when the lease ends that was just taken.
  func noteLease(_ hostSessionID: String) async throws(SharedSessionError) {
    _ = try await single(
      ScriptLibrary.indexAdd, keys.leases(bucket: KeyLayout.bucket(of: hostSessionID)),
      [
        "member": .string(hostSessionID), "rule": "", "delay": .milliseconds(settings.dispatchLease),
        "lifetime": .milliseconds(settings.maximumLifetime + settings.retention),
      ])
  }

  /// Tells one session that its host's bridge is attached or gone; the session decides by the fence whether that is news.
  func announceHost(_ sessionID: String, fence: String, online: Bool) async throws(SharedSessionError) {
    let outcome = try await session(
      ScriptLibrary.hostPresence, sessionID,
      [
        "fence": .string(fence), "state": online ? "online" : "offline", "grace": .milliseconds(settings.hostGrace),
      ])
    switch outcome.refusal {
    case ErrorCode.sessionNotFound.rawValue, ErrorCode.sessionInactive.rawValue: return
    default: _ = try outcome.parts()
    }
  }
}
