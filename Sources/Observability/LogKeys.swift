/// The keys of log metadata, so that one thing has one name in every line.
///
/// A line's message is a short phrase in lower case that is the same each time; what differs is in the metadata, under one of
/// these keys. A test reads the sources and checks both.
///
/// Isolation: constants.
public enum LogKey {
  // MARK: What a line is about

  /// The id of a request, as in the `X-Request-Id` header of its answer. Added to every line by `RequestID.metadata`.
  public static let requestID = "request.id"
  /// The method of a request.
  public static let method = "request.method"
  /// The path of a request, without its query, which may hold tokens.
  public static let path = "request.path"
  /// The status of an answer.
  public static let status = "answer.status"
  /// The code of an answer that is an error.
  public static let code = "answer.code"
  /// A shared session's id.
  public static let sharedSessionID = "session.id"
  /// A host session's id.
  public static let hostSessionID = "host_session.id"
  /// A dispatch's id.
  public static let dispatchID = "dispatch.id"
  /// The fence of an attachment.
  public static let fence = "dispatch.fence"
  /// The node's address as a URL.
  public static let address = "address"
  /// The program's version.
  public static let version = "version"

  // MARK: What happened

  /// An error's sentence, or why something was done.
  public static let error = "error"
  /// What a line is about, where no other key fits: names, a hint.
  public static let detail = "detail"
  /// The step of an operation that could not be taken.
  public static let step = "step"
  /// How long it took.
  public static let duration = "duration"
  /// How long it is until the next attempt.
  public static let pause = "pause"
  /// A limit in bytes that was met.
  public static let limitBytes = "limit.bytes"
  /// A size in bytes.
  public static let bytes = "bytes"
  /// How many streams.
  public static let streams = "streams"
  /// How many participants.
  public static let participants = "participants"

  // MARK: Redis

  /// A server of Redis.
  public static let redisEndpoint = "redis.endpoint"
  /// The name Sentinels know a primary by.
  public static let redisPrimary = "redis.primary"
  /// A channel of pub/sub.
  public static let redisChannel = "redis.channel"
  /// A script or a command.
  public static let redisOperation = "redis.operation"
  /// A key.
  public static let redisKey = "redis.key"
  /// A member of what a key holds.
  public static let redisMember = "redis.member"
  /// How to open redis-cli on the private server.
  public static let redisInspect = "redis.inspect"
  /// The private server's directory.
  public static let redisDirectory = "redis.directory"
  /// The private server's process id.
  public static let redisPID = "redis.pid"
  /// How this process came by the private server.
  public static let redisOrigin = "redis.origin"
  /// A server's version.
  public static let redisVersion = "redis.version"
  /// How the private server ended.
  public static let redisOutcome = "redis.outcome"
  /// The last line of the private server's own log.
  public static let redisLog = "redis.log"

  // MARK: The host's side

  /// The node that a bridge talks to.
  public static let node = "node"
  /// A line of the agent's standard error.
  public static let agentStandardError = "agent.stderr"
  /// The beginning of a line of the agent's.
  public static let agentLine = "agent.line"
  /// A method that the agent used.
  public static let agentMethod = "agent.method"
  /// Which kinds of secrets were removed, and how often.
  public static let redactionKinds = "redaction.kinds"
  /// The kind of an update of the agent's.
  public static let agentUpdate = "agent.update"
  /// How many updates of an agent.
  public static let agentUpdates = "agent.updates"
}
