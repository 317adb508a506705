public import JSONText

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
    /// What its program is then started with.
    public let arguments: [String]
  }

  /// The agent's name, when it has said one.
  public let name: String?
  /// The agent's version, when it has said one.
  public let version: String?
  /// Whether `session/load` brings back an earlier session, replaying all of it.
  public let canLoadSessions: Bool
  /// Whether `session/resume` brings back an earlier session without a replay.
  public let canResumeSessions: Bool
  /// Whether `session/list` tells of earlier sessions.
  public let canListSessions: Bool
  /// Whether it wants to be told that a session is over.
  public let canCloseSessions: Bool
  /// Whether it can forget who is signed in.
  public let canLogOut: Bool
  /// Whether a session may have further directories.
  public let takesDirectories: Bool
  /// The ways beside standard input and output on which it talks to servers of the Model Context Protocol: `http`, `sse`.
  public let serverTransports: Set<String>
  /// All that it says it can do; an object.
  public let capabilities: JSONText
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
    let capabilities = result["agentCapabilities"] ?? JSONText { _ in }
    self.capabilities = capabilities
    canLoadSessions = capabilities["loadSession"]?.bool ?? false
    let session = capabilities["sessionCapabilities"]
    canResumeSessions = Self.isThere(session?["resume"])
    canListSessions = Self.isThere(session?["list"])
    canCloseSessions = Self.isThere(session?["close"])
    takesDirectories = Self.isThere(session?["additionalDirectories"])
    canLogOut = Self.isThere(capabilities["auth"]?["logout"])
    serverTransports = Set(["http", "sse"].filter { capabilities["mcpCapabilities"]?[$0]?.bool == true })
    authenticationMethods = (result["authMethods"]?.elements ?? []).compactMap { method in
      guard let id = method["id"]?.string else { return nil }
      return AuthenticationMethod(
        id: id, name: method["name"]?.string ?? id, isTerminal: method["type"]?.string == "terminal",
        arguments: (method["args"]?.elements ?? []).compactMap(\.string))
    }
  }

  /// A capability is an object, perhaps an empty one; what is null, false or missing is none.
  private static func isThere(_ capability: JSONText?) -> Bool {
    guard let capability else { return false }
    return !capability.isNull && capability.bool != false
  }

  /// The sentence for an agent that wants its user to sign in.
  var authenticationRequired: AgentError {
    let names = authenticationMethods.map { "\($0.name) (\($0.id))" }.joined(separator: ", ")
    let ways = names.isEmpty ? "It names no way to do so." : "It offers: \(names)."
    var hints: [String] = []
    if let method = authenticationMethods.first(where: { !$0.isTerminal }) {
      hints.append("Start again with `--sign-in \(method.id)`.")
    }
    if let method = authenticationMethods.first(where: \.isTerminal), !method.arguments.isEmpty {
      hints.append("Or run the agent in a terminal with `\(method.arguments.joined(separator: " "))` once.")
    } else if hints.isEmpty {
      hints.append("Run the agent by itself to sign in.")
    }
    return AgentError(
      .authenticationRequired,
      "The agent asks you to sign in first. \(ways) \(hints.joined(separator: " "))")
  }
}
