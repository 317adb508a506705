import Foundation

/// How to start an agent and what to allow it; an immutable value.
public struct AgentConfiguration: Sendable {
  /// What is kept for an agent at most. Beyond each of these something is dropped or refused, and logged.
  public struct Limits: Sendable {
    /// Bytes in one line of the agent; a longer one is skipped.
    public var lineBytes = 16 * 1024 * 1024
    /// Bytes that wait for an agent that doesn't read; beyond it the connection is ended.
    public var outgoingBytes = 16 * 1024 * 1024
    /// Questions of the agent that are open at once; a further one is answered with an error.
    public var openPermissions = 64
    /// Other requests of the agent that are open at once; a further one is answered with an error.
    public var openRequests = 64
    /// Updates of an earlier conversation that are delivered: the last ones.
    public var replayedUpdates = 2_000
    /// Bytes of those updates.
    public var replayedBytes = 8 * 1024 * 1024
    /// Conversations that are taken from an agent's list.
    public var listedConversations = 1_000
    /// Updates kept for a session whose id isn't known yet; further ones are dropped.
    public var earlyUpdates = 1_000
    /// Bytes of such updates.
    public var earlyUpdateBytes = 4 * 1024 * 1024
    /// Tool calls remembered for the questions that may come of them; beyond it the oldest is forgotten.
    public var rememberedCalls = 256
    /// Bytes of those tool calls; beyond it what an old one holds is left out of its question, which says so.
    public var rememberedCallBytes = 8 * 1024 * 1024
    /// Bytes of one line on the agent's standard error that reach the log.
    public var errorLineBytes = 4 * 1024

    /// The defaults.
    public init() {}
  }

  /// The program and its arguments. A name without a slash is looked up in `PATH`.
  public var command: [String]
  /// The directory the agent starts and works in; an absolute path.
  public var workingDirectory: String
  /// The variables the agent is started with: by default those of this process that are not meant for it.
  public var environment = AgentEnvironment(inherited: ProcessInfo.processInfo.environment)
  /// Servers of the Model Context Protocol for the agent, in the protocol's form.
  public var mcpServers: [MCPServer] = []
  /// Further directories the agent works in; absolute paths.
  public var additionalDirectories: [String] = []
  /// What we do for the agent when it asks.
  public var tools = OfferedTools()
  /// Our name, as the agent is told.
  public var clientName = "tandem"
  /// Our version, as the agent is told.
  public var clientVersion = "0"
  /// How to sign in when the agent asks for it: the id of one of its methods.
  public var authenticationMethod: String?
  /// How long the answers to `initialize` and to opening a session may take. Agents that are fetched from a package
  /// registry when they start need long.
  public var startTimeout: Duration = .seconds(120)
  /// How long the answer to a change of its mode or of an option may take.
  public var controlTimeout: Duration = .seconds(60)
  /// How long an agent has to leave by itself once its input has ended, and again after SIGTERM, before SIGKILL.
  public var stopGrace: Duration = .seconds(2)
  /// What is kept for the agent at most.
  public var limits = Limits()

  /// An agent's command line and where it works.
  public init(command: [String], workingDirectory: String) {
    self.command = command
    self.workingDirectory = workingDirectory
  }
}
