import JSONText

/// Opening, finding and ending an agent's sessions, and signing in for that.
extension AgentConnection {
  /// Opens a session in the agent's working directory, signing in first when the agent asks for it and the configuration
  /// says how.
  ///
  /// - Returns: the id the agent gave it.
  /// - Throws: `AgentError`; `authenticationRequired` says how the agent can be signed in to.
  public func openSession(_ agent: AgentDescription) async throws(AgentError) -> String {
    let extras = try extras(for: agent)
    let call = AgentCall.newSession(workingDirectory: configuration.workingDirectory, extras: extras)
    guard let sessionID = try await sendSigningIn(call, agent)["sessionId"]?.string else {
      throw AgentError(.incompatible, "The agent opened a session without saying its id.")
    }
    return sessionID
  }

  /// Goes on with an earlier session, when the agent can.
  ///
  /// - Parameter withHistory: whether what the agent replays is delivered, marked as such, before this returns. It may
  ///   still have nothing to replay.
  /// - Returns: false when the agent can't do that at all.
  /// - Throws: `AgentError` when it can in general but not for this session.
  public func reopenSession(
    _ sessionID: String, _ agent: AgentDescription, withHistory: Bool = false
  ) async throws(AgentError) -> Bool {
    let directory = configuration.workingDirectory
    let extras = try extras(for: agent)
    if agent.canLoadSessions, withHistory || !agent.canResumeSessions {
      _ = try await sendSigningIn(
        .loadSession(sessionID, workingDirectory: directory, extras: extras, wantsReplay: withHistory), agent)
    } else if agent.canResumeSessions {
      _ = try await sendSigningIn(.resumeSession(sessionID, workingDirectory: directory, extras: extras), agent)
    } else {
      return false
    }
    return true
  }

  /// The conversations the agent knows of, in its order, up to a number.
  ///
  /// - Parameter here: whether only those of the working directory are wanted.
  /// - Throws: `AgentError`; `incompatible` when the agent keeps no list.
  public func conversations(_ agent: AgentDescription, here: Bool) async throws(AgentError) -> [AgentConversation] {
    guard agent.canListSessions else {
      throw AgentError(.incompatible, "This agent does not list its conversations.")
    }
    var found: [AgentConversation] = []
    var cursors: Set<String> = []
    var cursor: String?
    repeat {
      let call = AgentCall.listSessions(
        workingDirectory: here ? configuration.workingDirectory : nil, cursor: cursor)
      let page = try await sendSigningIn(call, agent)
      found += (page["sessions"]?.elements ?? []).compactMap { AgentConversation($0) }
      cursor = page["nextCursor"]?.string
      // A list that turns in a circle has an end, too.
    } while cursor.map { cursors.insert($0).inserted } == true && found.count < configuration.limits.listedConversations
    return Array(found.prefix(configuration.limits.listedConversations))
  }

  /// The id of a conversation to go on with.
  ///
  /// - Throws: `AgentError` when the agent keeps no list or there is none in the working directory.
  public func find(_ choice: ConversationChoice, _ agent: AgentDescription) async throws(AgentError) -> String {
    guard case .last = choice else {
      guard case .id(let id) = choice else { return "" }
      return id
    }
    let here = try await conversations(agent, here: true).filter {
      $0.workingDirectory == nil || $0.workingDirectory == configuration.workingDirectory
    }
    guard let last = AgentConversation.last(of: here) else {
      throw AgentError(
        .refused, "The agent knows of no conversation in \(configuration.workingDirectory) to go on with.")
    }
    return last.id
  }

  /// Tells the agent that a session is over, when it wants to know; it has the time it has for leaving.
  public func closeSession(_ sessionID: String, _ agent: AgentDescription) async {
    guard agent.canCloseSessions else { return }
    _ = try? await send(.closeSession(sessionID), timeout: configuration.stopGrace)
  }

  /// Makes the agent forget who is signed in.
  ///
  /// - Throws: `AgentError`; `incompatible` when it can't.
  public func logOut(_ agent: AgentDescription) async throws(AgentError) {
    guard agent.canLogOut else {
      throw AgentError(.incompatible, "This agent has no way to sign out. Run it by itself to do so.")
    }
    _ = try await send(.logOut, timeout: configuration.startTimeout)
  }

  /// What sessions are opened with, as far as the agent takes it.
  private func extras(for agent: AgentDescription) throws(AgentError) -> SessionExtras {
    if !configuration.additionalDirectories.isEmpty, !agent.takesDirectories {
      throw AgentError(.incompatible, "This agent works in one directory only; start it without --directory.")
    }
    if let server = configuration.mcpServers.first(where: { !$0.fits(agent) }) {
      throw AgentError(
        .incompatible,
        "This agent does not talk to MCP servers over \(server.transport), which \"\(server.name)\" needs.")
    }
    return SessionExtras(
      mcpServers: configuration.mcpServers.map(\.text), additionalDirectories: configuration.additionalDirectories)
  }

  /// Asks, and asks once more behind signing in when the agent wants that and the configuration says how.
  private func sendSigningIn(_ call: AgentCall, _ agent: AgentDescription) async throws(AgentError) -> JSONText {
    do {
      return try await send(call, timeout: configuration.startTimeout)
    } catch {
      guard error.code == .authenticationRequired else { throw error }
      guard let method = configuration.authenticationMethod,
        agent.authenticationMethods.contains(where: { $0.id == method && !$0.isTerminal })
      else { throw agent.authenticationRequired }
      // A person may have to act in a browser, so this has no time limit but the person's patience.
      _ = try await send(.authenticate(methodID: method), timeout: nil)
      return try await send(call, timeout: configuration.startTimeout)
    }
  }
}
