import HTTPGateway
import NIOCore
import SharedSessions

/// The effective configuration of a node: every key checked, every default applied, read once before anything starts.
///
/// Isolation: an immutable value.
struct TandemConfiguration: Sendable {
  /// Who may list, create and read.
  enum Access: String, Sendable { case open, keyed }
  /// When a write is acknowledged.
  enum Durability: String, Sendable { case local, replicated }
  /// Form of the log.
  enum LogFormat: String, Sendable { case json, text }

  /// The bounds of api.md; lengths are in characters for `userId` and `displayName`, in bytes for the rest.
  struct Limits: Sendable {
    let body, headers, uri, jsonDepth, identifier, userId, displayName, messageText, prompt, reason, notification: Int
    let participants, messages, pendingApprovals, pendingApprovalsPerParticipant, pendingPermissions, toolCall: Int
    let invites, streamsPerParticipant, sessionsPerStream, sessionsPerHost, pageSize, streamsPerNode, connections: Int
    let redisCommands, redisBytes, redisReply, redisChannels: Int
  }

  /// How long a client, or Redis at a readiness probe, may take.
  struct Timeouts: Sendable {
    let head, body, idle, write, ready: Duration
  }

  let host: String
  let port: Int
  /// Nil: the node runs a private redis-server in `dataDirectory`.
  let redis: String?
  let redisTimeout: Duration
  let durability: Durability
  let redisReplicas: Int
  let prefix: String
  let dataDirectory: String
  let access: Access
  let forceOpen: Bool
  let apiKeys: [APIKeyDigest]
  let joinReuse: JoinReuse
  let sessionMaximumLifetime, sessionRetention, sweeperInterval: Duration
  let dispatchLease, dispatchTimeout, dispatchGrace, drainTimeout: Duration
  let approvalsReasonRequired: Bool
  let streamHeartbeat, streamRetry: Duration
  let streamBufferBytes, eventsRetained, eventBytesRetained: Int
  let limits: Limits
  let timeouts: Timeouts
  /// Nil: no limit.
  let participantRate, addressRate: RequestRate?
  let trustedProxies: [AddressRange]
  let logLevel: String
  let logFormat: LogFormat

  /// Reads and checks everything.
  ///
  /// - Parameters:
  ///   - resolver: The values found for each key.
  ///   - environment: Used only to find the default data directory (`XDG_STATE_HOME`, `HOME`).
  /// - Throws: All problems at once, each a sentence naming the key, the value and what is allowed.
  init(_ resolver: ConfigurationResolver, environment: [String: String]) throws(ConfigurationError) {
    guard resolver.problems.isEmpty else { throw ConfigurationError(problems: resolver.problems) }
    var values = ConfigurationValues(resolver)

    host = values.text("host")
    port = values.integer("port")
    redis = values.optionalText("redis")
    redisTimeout = values.duration("redisTimeout")
    durability = values.choice("durability")
    redisReplicas = values.integer("redisReplicas")
    prefix = values.text("prefix")
    let directory = values.optionalText("dataDirectory") ?? Self.defaultDataDirectory(environment)
    dataDirectory = directory ?? ""
    forceOpen = values.boolean("forceOpen")
    apiKeys = values.list("apiKeys").compactMap(APIKeyDigest.init)
    let isLocal = LoopbackAddress.contains(host)
    let asked: Access? = values.optionalChoice("access")
    access = asked ?? (isLocal || (forceOpen && apiKeys.isEmpty) ? .open : .keyed)
    joinReuse = values.optionalChoice("join.reuse") ?? (access == .open ? .lenient : .strict)
    sessionMaximumLifetime = values.duration("session.maximumLifetime")
    sessionRetention = values.duration("session.retention")
    sweeperInterval = values.duration("sweeper.interval")
    dispatchLease = values.duration("dispatch.lease")
    dispatchTimeout = values.duration("dispatch.timeout")
    dispatchGrace = values.duration("dispatch.grace")
    approvalsReasonRequired = values.boolean("approvals.reasonRequired")
    drainTimeout = values.duration("drain.timeout")
    streamHeartbeat = values.duration("stream.heartbeat")
    streamRetry = values.duration("stream.retry")
    streamBufferBytes = values.integer("stream.bufferBytes")
    eventsRetained = values.integer("events.retained")
    eventBytesRetained = values.integer("events.retainedBytes")
    limits = Limits(
      body: values.integer("limits.body"), headers: values.integer("limits.headers"),
      uri: values.integer("limits.uri"), jsonDepth: values.integer("limits.jsonDepth"),
      identifier: values.integer("limits.identifier"), userId: values.integer("limits.userId"),
      displayName: values.integer("limits.displayName"), messageText: values.integer("limits.messageText"),
      prompt: values.integer("limits.prompt"), reason: values.integer("limits.reason"),
      notification: values.integer("limits.notification"), participants: values.integer("limits.participants"),
      messages: values.integer("limits.messages"), pendingApprovals: values.integer("limits.pendingApprovals"),
      pendingApprovalsPerParticipant: values.integer("limits.pendingApprovalsPerParticipant"),
      pendingPermissions: values.integer("limits.pendingPermissions"), toolCall: values.integer("limits.toolCall"),
      invites: values.integer("limits.invites"),
      streamsPerParticipant: values.integer("limits.streamsPerParticipant"),
      sessionsPerStream: values.integer("limits.sessionsPerStream"),
      sessionsPerHost: values.integer("limits.sessionsPerHost"), pageSize: values.integer("limits.pageSize"),
      streamsPerNode: values.integer("limits.streamsPerNode"), connections: values.integer("limits.connections"),
      redisCommands: values.integer("limits.redisCommands"), redisBytes: values.integer("limits.redisBytes"),
      redisReply: values.integer("limits.redisReply"), redisChannels: values.integer("limits.redisChannels"))
    timeouts = Timeouts(
      head: values.duration("timeouts.head"), body: values.duration("timeouts.body"),
      idle: values.duration("timeouts.idle"), write: values.duration("timeouts.write"),
      ready: values.duration("timeouts.ready"))
    participantRate = Self.rate(values.optionalText("rate.participant"), inKeyed: "50/s", access: access)
    addressRate = Self.rate(values.optionalText("rate.address"), inKeyed: "200/s", access: access)
    trustedProxies = values.list("rate.trustedProxies").compactMap { AddressRange($0) }
    logLevel = values.text("log.level")
    logFormat = values.choice("log.format")
    values.assertAllRead()

    var problems = contradictions(isLocal: isLocal)
    if redis == nil && directory == nil {
      problems.append("dataDirectory is not set and neither XDG_STATE_HOME nor HOME is; name a directory")
    }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
  }

  /// What cannot be told from one key alone.
  private func contradictions(isLocal: Bool) -> [String] {
    var problems: [String] = []
    if access == .open && !isLocal && !forceOpen {
      problems.append(
        "access is \"open\" but host is \"\(host)\", which other machines can reach; set access to keyed and give "
          + "apiKeys, listen on 127.0.0.1, or set forceOpen to true if everybody on that network may use it")
    }
    if access == .keyed && apiKeys.isEmpty {
      problems.append(
        "access is \"keyed\" (the default unless host is a loopback address; host is \"\(host)\") but apiKeys is "
          + "empty, so nobody could create a session; give at least one NAME:DIGEST, or set forceOpen to true if everybody "
          + "who can reach the address may use it")
    }
    let names = apiKeys.map(\.name)
    for name in Set(names).sorted() where names.count(where: { $0 == name }) > 1 {
      problems.append("apiKeys holds the name \"\(name)\" more than once; each name must be unique")
    }
    if durability == .replicated && redis == nil {
      problems.append("durability is \"replicated\" but redis is not set; the private redis-server has no replicas")
    }
    return problems
  }

  private static func rate(_ text: String?, inKeyed keyed: String, access: Access) -> RequestRate? {
    RateText.parse(text ?? (access == .keyed ? keyed : "off"))
  }

  /// `tandem` below the directory the XDG base directory specification names for state.
  private static func defaultDataDirectory(_ environment: [String: String]) -> String? {
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/tandem" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/state/tandem" }
    return nil
  }
}

/// Which addresses only this machine can reach.
///
/// Isolation: pure functions.
enum LoopbackAddress {
  /// Whether it is `localhost` or a loopback address; false for anything in doubt.
  static func contains(_ host: String) -> Bool {
    if host.lowercased() == "localhost" { return true }
    guard let address = try? SocketAddress(ipAddress: host, port: 0) else { return false }
    switch address {
    case .v4: return host.hasPrefix("127.")
    case .v6: return address.ipAddress == "::1"
    case .unixDomainSocket: return false
    }
  }
}
