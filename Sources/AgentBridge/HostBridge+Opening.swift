import AgentClientProtocol
import JSONText

/// What is shared: something new, or what a bridge before this one has shared.
extension HostBridge {
  /// Finds or makes what is shared. Only a few tries: somebody waits at a terminal.
  ///
  /// Each step is noted before the next one: whatever a bridge is lost in, the next one goes on with it.
  func open(_ relay: AgentRelay) async throws -> (HostAPI.HostSession, SharedSession) {
    let noted = configuration.journal?.record
    if let host = noted?.host, let session = noted?.session {
      try await check(session)
      await relay.tellProfile()
      return (host, session)
    }
    let host: HostAPI.HostSession
    if let registered = noted?.host {
      host = registered
      await relay.tellProfile()
    } else {
      host = try await register(relay.takeProfile())
    }
    let session = try await share(host)
    try note { $0.session = session }
    return (host, session)
  }

  /// Whether a session that was shared before still is.
  private func check(_ session: SharedSession) async throws {
    do {
      _ = try await attempt(api.read(session))
    } catch let error as BridgeError {
      guard error.code == .refused else { throw error }
      configuration.journal?.remove()
      throw BridgeError(.refused, "What was shared here has ended (\(error.description)) Share anew without --resume.")
    }
  }

  private func register(_ profile: AgentProfile?) async throws -> HostAPI.HostSession {
    let registered = try await attempt(
      api.register(
        userID: configuration.userID, workspaceID: configuration.workspaceID,
        agent: profile.map { report(of: $0) }, sharing: configuration.sharing.rawValue, key: IdempotencyKey.make()))
    guard let id = registered["hostSession"]?["id"]?.string, let token = registered["hostToken"]?.string else {
      throw BridgeError(.refused, "The server's answer to the registration holds no host session.")
    }
    let host = HostAPI.HostSession(id: id, token: token)
    try note { $0.host = host }
    return host
  }

  private func share(_ host: HostAPI.HostSession) async throws -> SharedSession {
    let shared = try await attempt(
      api.share(
        host, userID: configuration.userID, displayName: configuration.displayName, mode: configuration.mode,
        workspaceID: configuration.workspaceID, expiresInMinutes: configuration.expiresInMinutes,
        viewerUpdates: configuration.viewerUpdates, key: IdempotencyKey.make()))
    guard let sessionID = shared["session"]?["id"]?.string, let invite = shared["inviteToken"]?.string,
      let participant = shared["hostParticipant"], let participantID = participant["id"]?.string,
      let accessToken = participant["accessToken"]?.string
    else { throw BridgeError(.refused, "The server's answer holds no shared session.") }
    return SharedSession(
      server: configuration.servers[0], id: sessionID, inviteToken: invite, hostSessionID: host.id,
      hostParticipantID: participantID, hostAccessToken: accessToken)
  }

  private func note(_ change: (inout JournalRecord) -> Void) throws {
    do throws(HostJournal.Failure) {
      try configuration.journal?.save(change)
    } catch { throw BridgeError(.journal, error.description) }
  }
}
