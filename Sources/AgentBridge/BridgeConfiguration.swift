public import AgentClientProtocol

/// What to share and how; an immutable value.
public struct BridgeConfiguration: Sendable {
  /// What to answer when the agent asks for permission.
  public enum Permissions: String, Sendable, CaseIterable {
    /// Ask in the shared session, and in the terminal where there is one: the first answer wins.
    case ask
    /// Allow each request once.
    case allow
    /// Refuse each request once.
    case reject
  }

  /// Whether files below the working directory are read and written for the agent.
  public enum Files: String, Sendable, CaseIterable {
    /// No: it uses them by itself.
    case none
    /// Each write waits for an answer, as the agent's own questions do.
    case ask
    /// All of it.
    case allow
  }

  /// Who may open shared sessions on the host session, beside the bridge itself.
  public enum Sharing: String, Sendable, CaseIterable {
    /// Whoever holds the host session's token, which is the bridge alone.
    case token
    /// Anybody the nodes let create sessions. They are its hosts then, and run prompts on this agent.
    case anyone
  }

  /// How long a silence ends a connection to a node, unless told otherwise. It must be longer than a node's
  /// `stream.heartbeat`, or quiet streams break all the time.
  public static let defaultReadTimeout: Duration = .seconds(22)
  /// Bytes of the largest event that is read, unless told otherwise: more than the largest `limits.notification` that a
  /// node can have, with all that stands around it. A larger event is passed over.
  public static let defaultEventBytes = 72 * 1024 * 1024

  /// Base URLs of the nodes, at least one. The first is the one the links point to.
  public var servers: [String]
  /// The agent.
  public var agent: AgentConfiguration
  /// The host's user id.
  public var userID: String
  /// The host's name as others see it.
  public var displayName: String?
  /// The workspace the session is listed under.
  public var workspaceID: String?
  /// Who else may open sessions with this agent.
  public var sharing = Sharing.token
  /// The session's mode; nil for the service's default.
  public var mode: String?
  /// What viewers see of the agent's work, `all` or `reduced`; nil for the service's default.
  public var viewerUpdates: String?
  /// Whether the host is shown what viewers see. A viewer takes part for that.
  public var previewsViewers = false
  /// When the session ends by itself, in minutes from now.
  public var expiresInMinutes: Int?
  /// What to answer when the agent asks for permission.
  public var permissions = Permissions.ask
  /// Whether files are read and written for the agent.
  public var files = Files.none
  /// Bytes of the largest file that is read or written for it.
  public var fileBytes = 10 * 1024 * 1024
  /// Whether commands are run for the agent.
  public var offersTerminals = false
  /// Terminals that are open at once.
  public var openTerminals = 16
  /// Bytes of a command's output that are kept for the agent.
  public var terminalBytes = 1024 * 1024
  /// How long a question of the agent waits for word of its answer before the bridge asks a node for it.
  public var permissionInterval: Duration = .seconds(15)
  /// The conversation to go on with; nil for a new one.
  public var conversation: ConversationChoice?
  /// Where the bridge notes what it needs to go on after it was lost; with a session in it, that one is shared again.
  public var journal: HostJournal?
  /// What is not published.
  public var filter = UpdateFilter()
  /// What is taken out of everything that is published.
  public var secrets = SecretPatterns()
  /// For nodes that want an API key.
  public var apiKey: String?
  /// How long an agent may take to end a turn that was cancelled, before it is ended itself.
  public var cancelTimeout: Duration = .seconds(30)
  /// Updates that wait to be published at once; while so many wait, the agent is not read.
  public var waitingUpdates = NotificationQueue.Limits().count
  /// Bytes of those updates.
  public var waitingBytes = NotificationQueue.Limits().bytes
  /// Bytes of the largest update; the texts in a larger one are shortened until it fits.
  public var updateBytes = NotificationQueue.Limits().singleBytes
  /// Bytes of the largest event that is read; a larger one is passed over, and the host is told.
  public var eventBytes = Self.defaultEventBytes
  /// How long each step may take when sharing ends: stopping the turn, closing the session, ending the host session.
  public var stopTimeout: Duration = .seconds(3)

  /// The least there is to say.
  public init(servers: [String], agent: AgentConfiguration, userID: String) {
    self.servers = servers
    self.agent = agent
    self.userID = userID
  }

  /// The agent's configuration with what is done for it.
  var agentWithTools: AgentConfiguration {
    var agent = agent
    agent.tools.readsFiles = files != .none
    agent.tools.writesFiles = files != .none
    agent.tools.runsTerminals = offersTerminals
    agent.tools.asksPeople = true
    return agent
  }

  /// The bounds of what waits to be published.
  var notificationLimits: NotificationQueue.Limits {
    var limits = NotificationQueue.Limits()
    (limits.count, limits.bytes, limits.singleBytes) = (waitingUpdates, waitingBytes, updateBytes)
    limits.batchBytes = min(limits.batchBytes, updateBytes)
    return limits
  }
}

/// Why sharing could not begin or go on; an immutable value.
public struct BridgeError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Code: Sendable, Hashable {
    /// No server answers.
    case unreachable
    /// The server refuses.
    case refused
    /// The agent can't be used.
    case agent
    /// The journal can't be written.
    case journal
  }

  /// What kind of failure it is.
  public let code: Code
  /// One sentence for a person.
  public let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  init(_ error: NodeError) {
    if case .refused = error {
      self.init(.refused, error.description)
    } else {
      self.init(.unreachable, error.description)
    }
  }
}
