import JSONText

/// What an agent says about itself when a connection begins; an immutable value. Whatever it leaves out counts as no.
public struct AgentDescription: Sendable, Hashable {
  /// A way to sign in.
  public struct AuthenticationMethod: Sendable, Hashable {
    /// What `authenticate` takes.
    public let id: String
    /// What a person reads.
    public let name: String
    /// Whether the agent's program has to be run in a terminal for it, instead of being asked over the protocol.
    public let isTerminal: Bool
  }

  /// The agent's name, when it has said one.
  public let name: String?
  /// The agent's version, when it has said one.
  public let version: String?
  /// Whether `session/load` brings back an earlier session, replaying all of it.
  public let canLoadSessions: Bool
  /// Whether `session/resume` brings back an earlier session without a replay.
  public let canResumeSessions: Bool
  /// The ways to sign in. An agent that lists some may well need none.
  public let authenticationMethods: [AuthenticationMethod]

  /// The version of the protocol this module speaks.
  public static let protocolVersion: Int64 = 1

  /// Reads the answer to `initialize`.
  init(initializeResult result: JSONText) throws(AgentError) {
    guard let version = result["protocolVersion"]?.integer else {
      throw AgentError(.incompatible, "The agent did not say which version of the protocol it speaks.")
    }
    guard version == Self.protocolVersion else {
      throw AgentError(
        .incompatible, "The agent speaks version \(version) of the Agent Client Protocol; version 1 is needed.")
    }
    let info = result["agentInfo"]
    name = info?["title"]?.string ?? info?["name"]?.string
    self.version = info?["version"]?.string
    let capabilities = result["agentCapabilities"]
    canLoadSessions = capabilities?["loadSession"]?.bool ?? false
    let resume = capabilities?["sessionCapabilities"]?["resume"]
    canResumeSessions = resume != nil && resume?.isNull == false && resume?.bool != false
    authenticationMethods = (result["authMethods"]?.elements ?? []).compactMap { method in
      guard let id = method["id"]?.string else { return nil }
      return AuthenticationMethod(
        id: id, name: method["name"]?.string ?? id, isTerminal: method["type"]?.string == "terminal")
    }
  }

  /// The sentence for an agent that wants its user to sign in.
  var authenticationRequired: AgentError {
    let names = authenticationMethods.map { "\($0.name) (\($0.id))" }.joined(separator: ", ")
    let ways = names.isEmpty ? "It names no way to do so." : "It offers: \(names)."
    return AgentError(
      .authenticationRequired, "The agent asks you to sign in first. \(ways) Run the agent by itself to sign in.")
  }
}
