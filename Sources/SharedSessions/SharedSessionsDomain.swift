public import Logging
public import RedisClient
public import ServiceLifecycle

/// Everything the service knows of shared sessions, made once per node.
///
/// Immutable and Sendable; all state is in Redis. As a service it runs the sweeper, which also keeps this node among
/// the living.
public struct SharedSessionsDomain: Service {
  /// What it was configured with.
  public let settings: SharedSessionSettings
  /// The names of its keys.
  public let keys: KeyLayout
  /// Sessions, participants, messages.
  public let sessions: SessionStore
  /// Prompts and decisions.
  public let approvals: ApprovalStore
  /// What agents ask in the middle of their turns.
  public let permissions: PermissionStore
  /// What agents want to know of their people.
  public let questions: QuestionStore
  /// Host sessions and their dispatches.
  public let hostSessions: HostSessionStore
  /// The sessions' events.
  public let events: EventLog
  /// Who has a stream open.
  public let presence: PresenceStore
  /// Rates that all nodes share.
  public let rates: RateLimiter
  let sweeper: Sweeper
  private let layout: LayoutCheck

  /// The domain on a Redis client.
  ///
  /// - Parameters:
  ///   - prefix: what every key begins with; no braces.
  ///   - nodeID: this process among the nodes; unique.
  public init(
    redis: RedisClient, prefix: String = "tandem", settings: SharedSessionSettings, nodeID: String = Secrets.newID(),
    logger: Logger
  ) {
    self.settings = settings
    keys = KeyLayout(prefix: prefix)
    let runner = ScriptRunner(redis: redis, keys: keys, settings: settings, logger: logger)
    layout = LayoutCheck(runner: runner)
    let index = SessionIndex(runner: runner)
    let closer = SessionCloser(runner: runner, index: index)
    let queue = DispatchQueue(runner: runner)
    sessions = SessionStore(runner: runner, index: index, closer: closer)
    approvals = ApprovalStore(runner: runner, index: index)
    permissions = PermissionStore(runner: runner)
    questions = QuestionStore(runner: runner)
    hostSessions = HostSessionStore(runner: runner, closer: closer, queue: queue)
    events = EventLog(runner: runner)
    rates = RateLimiter(runner: runner)
    presence = PresenceStore(runner: runner, nodeID: nodeID)
    sweeper = Sweeper(runner: runner, index: index, closer: closer, queue: queue, presence: presence, layout: layout)
  }

  /// Checks that the scripts take what their calls pass, and that the keys in Redis are of the layout this version works
  /// with; before anything else is done with them.
  ///
  /// - Throws: an error with a sentence for whoever starts the node.
  public func checkLayout() async throws(SharedSessionError) {
    let faults = ScriptLibrary.all.flatMap(\.faults)
    guard faults.isEmpty else { throw SharedSessionError(.internalError, faults.joined(separator: "; ")) }
    try await layout.run()
  }

  /// Sweeps until cancelled or shut down, then takes this node out of the living.
  public func run() async throws {
    let sweeper = sweeper
    await cancelWhenGracefulShutdown { await sweeper.run() }
    try? await presence.resign()
  }
}
