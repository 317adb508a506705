import HTTPGateway
import RedisClient

/// Letters, digits and the punctuation that names may hold. Braces are missing on purpose: Redis gives them a meaning.
private let nameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"

private let aboutOneYear = Duration.seconds(366 * 86_400)

extension ConfigurationKey {
  /// Every key there is, in the order in which they are documented.
  static let all: [ConfigurationKey] =
    listener + redisKeys + access + sessions + streams + limits + timeouts + rates + logs

  /// The key of that name.
  static func named(_ name: String) -> ConfigurationKey? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  private static let listener: [ConfigurationKey] = [
    ConfigurationKey(
      "host", .text(.printable("an address or a host name without spaces", maximumLength: 255)), default: "127.0.0.1",
      "Address to listen on; anything but loopback needs `access` = keyed, or `forceOpen`."),
    ConfigurationKey("port", .integer(0...65_535), default: "8080", "Port to listen on; 0 picks a free one."),
  ]

  private static let redisKeys: [ConfigurationKey] = [
    ConfigurationKey(
      "redis",
      .text(
        TextRule("a URL that starts with redis://, rediss:// or unix://") { text in
          ["redis://", "rediss://", "unix://"].contains(where: text.hasPrefix)
            && (try? RedisClientConfiguration(url: text)) != nil
        }),
      default: nil, secret: true,
      "Redis to use, with user, password and database number in the URL; without it the node runs a private redis-server."
    ),
    ConfigurationKey(
      "redisTimeout", .duration(.milliseconds(50)...(.seconds(120))), default: "5s",
      "How long a command may wait for its reply before it fails."),
    ConfigurationKey(
      "durability", .choice(["local", "replicated"]), default: "local",
      "When a write is acknowledged: when the primary has it, or when `redisReplicas` replicas have it too."),
    ConfigurationKey(
      "redisReplicas", .integer(1...16), default: "1", "Replicas that must have a write when `durability` = replicated."
    ),
    ConfigurationKey(
      "prefix",
      .text(.characters("1 to 32 letters, digits and ._:-", nameCharacters, length: 1...32)), default: "tandem",
      "First part of every key in Redis."),
    ConfigurationKey(
      "dataDirectory", .text(.printable("a path")), default: nil,
      "Where the private redis-server keeps its data; by default `tandem` below `$XDG_STATE_HOME` or `~/.local/state`."),
  ]

  private static let access: [ConfigurationKey] = [
    ConfigurationKey(
      "access", .choice(["open", "keyed"]), default: nil,
      "Who may list, create and read: anybody, or holders of an API key and participants; by default open on loopback, keyed elsewhere."
    ),
    ConfigurationKey(
      "forceOpen", .boolean, default: "false", "Allow `access` = open on an address other machines can reach."),
    ConfigurationKey(
      "apiKeys",
      .list(
        TextRule("NAME:DIGEST, a name and the 64 hex digits of the key's SHA-256", accepts: APIKeyDigest.isWellFormed)),
      default: "", secret: true, "API keys as NAME:DIGEST, the digest being the key's SHA-256 in hex."),
    ConfigurationKey(
      "join.reuse", .choice(["lenient", "strict"]), default: nil,
      "Whether joining again under a present user's id needs that participant's credentials (strict); by default lenient with `access` = open, else strict."
    ),
  ]

  private static let sessions: [ConfigurationKey] = [
    ConfigurationKey(
      "session.maximumLifetime", .duration(.seconds(60)...aboutOneYear), default: "30d",
      "Longest life of a shared session."),
    ConfigurationKey(
      "session.retention", .duration(.seconds(1)...aboutOneYear), default: "7d",
      "How long the events of an ended session stay readable."),
    ConfigurationKey(
      "sweeper.interval", .duration(.milliseconds(50)...(.seconds(60))), default: "500ms",
      "How often a node looks for sessions that have expired."),
    ConfigurationKey(
      "dispatch.lease", .duration(.seconds(1)...(.seconds(3_600))), default: "30s",
      "How long a bridge that has lost its connection keeps the prompt it runs."),
    ConfigurationKey(
      "dispatch.timeout", .duration(.seconds(1)...(.seconds(7 * 86_400))), default: "10m",
      "How long an approved prompt waits for a bridge to start it."),
    ConfigurationKey(
      "dispatch.grace", .duration(.seconds(0)...(.seconds(7 * 86_400))), default: "5m",
      "How long approved prompts wait for a host that went offline; 0 leaves only `dispatch.timeout`."),
    ConfigurationKey(
      "approvals.reasonRequired", .boolean, default: "false", "Whether a rejection needs a reason."),
    ConfigurationKey(
      "drain.timeout", .duration(.seconds(0)...(.seconds(600))), default: "30s",
      "How long a node that was asked to stop may take to finish its requests and end its streams."),
  ]

  private static let streams: [ConfigurationKey] = [
    ConfigurationKey(
      "stream.heartbeat", .duration(.milliseconds(100)...(.seconds(300))), default: "15s",
      "Time between two heartbeats of a stream."),
    ConfigurationKey(
      "stream.bufferBytes", .bytes(4_096...(1 << 30)), default: "1MiB",
      "Bytes a stream may fall behind before it is disconnected."),
    ConfigurationKey(
      "stream.retry", .duration(.milliseconds(100)...(.seconds(300))), default: "2s",
      "How long clients are told to wait before they reconnect."),
    ConfigurationKey(
      "events.retained", .integer(100...1_000_000), default: "10000",
      "About how many events of a session are kept for replay."),
    ConfigurationKey(
      "events.retainedBytes", .bytes((64 << 10)...(1 << 32)), default: "64MiB",
      "About how many bytes of events a session keeps for replay; the newest event is always kept."),
  ]

  private static let limits: [ConfigurationKey] = [
    ConfigurationKey("limits.body", .bytes(1_024...(64 << 20)), default: "256KiB", "Largest request body."),
    ConfigurationKey("limits.headers", .bytes(1_024...(1 << 20)), default: "16KiB", "Largest header block."),
    ConfigurationKey("limits.uri", .bytes(256...(64 << 10)), default: "4KiB", "Longest request target."),
    ConfigurationKey("limits.jsonDepth", .integer(4...512), default: "32", "Deepest nesting of a JSON body."),
    ConfigurationKey("limits.identifier", .integer(36...128), default: "128", "Longest id a client may choose."),
    ConfigurationKey("limits.userId", .integer(1...1_024), default: "128", "Longest user id, in characters."),
    ConfigurationKey("limits.displayName", .integer(1...1_024), default: "64", "Longest display name, in characters."),
    ConfigurationKey("limits.messageText", .bytes(1...(16 << 20)), default: "16KiB", "Longest message."),
    ConfigurationKey("limits.prompt", .bytes(1...(16 << 20)), default: "64KiB", "Longest prompt."),
    ConfigurationKey(
      "limits.reason", .bytes(1...(1 << 20)), default: "4KiB", "Longest reason of a decision and error of a dispatch."),
    ConfigurationKey(
      "limits.notification", .bytes(1_024...(64 << 20)), default: "4MiB",
      "Largest notification of an agent, which may hold a file or an image."),
    ConfigurationKey(
      "limits.participants", .integer(1...100_000), default: "1000", "Participants present in one session."),
    ConfigurationKey("limits.messages", .integer(1...10_000_000), default: "100000", "Messages of one session."),
    ConfigurationKey(
      "limits.pendingApprovals", .integer(1...100_000), default: "1000", "Pending approvals of one session."),
    ConfigurationKey(
      "limits.pendingApprovalsPerParticipant", .integer(1...100_000), default: "300",
      "Pending approvals of one participant."),
    ConfigurationKey(
      "limits.pendingPermissions", .integer(1...10_000), default: "100",
      "Permission requests of the agent that wait in one session."),
    ConfigurationKey(
      "limits.toolCall", .bytes(1_024...(16 << 20)), default: "64KiB",
      "Largest tool call of a permission request, and largest list of its options."),
    ConfigurationKey(
      "limits.invites", .integer(1...10_000), default: "100", "Scoped invites of one session, revoked ones included."),
    ConfigurationKey(
      "limits.streamsPerParticipant", .integer(1...10_000), default: "64", "Open streams of one participant."),
    ConfigurationKey(
      "limits.sessionsPerStream", .integer(1...256), default: "32", "Sessions on one combined stream."),
    ConfigurationKey(
      "limits.sessionsPerHost", .integer(1...100_000), default: "1000", "Shared sessions of one host session."),
    ConfigurationKey("limits.pageSize", .integer(1...5_000), default: "500", "Most entries of one page."),
    ConfigurationKey(
      "limits.streamsPerNode", .integer(1...1_000_000), default: "20000", "Open streams of one node."),
    ConfigurationKey(
      "limits.connections", .integer(1...1_000_000), default: "25000", "Open connections of one node."),
    ConfigurationKey(
      "limits.redisCommands", .integer(1...1_000_000), default: "16384",
      "Commands of one connection to Redis without a reply; more are refused."),
    ConfigurationKey(
      "limits.redisBytes", .bytes((1 << 20)...(1 << 32)), default: "64MiB",
      "Bytes of those commands; more are refused."),
    ConfigurationKey(
      "limits.redisReply", .bytes((1 << 20)...(1 << 32)), default: "64MiB",
      "Largest reply of Redis; a connection that sends more is closed."),
    ConfigurationKey(
      "limits.redisChannels", .integer(1...10_000_000), default: "100000", "Channels a node is subscribed to at once."),
  ]

  private static let timeouts: [ConfigurationKey] = [
    ConfigurationKey(
      "timeouts.head", .duration(.milliseconds(100)...(.seconds(600))), default: "10s",
      "From the first byte of a request's head to its last."),
    ConfigurationKey(
      "timeouts.body", .duration(.milliseconds(100)...(.seconds(3_600))), default: "30s",
      "From a request's head to the end of its body; NDJSON bodies may stay open."),
    ConfigurationKey(
      "timeouts.idle", .duration(.seconds(1)...(.seconds(3_600))), default: "75s",
      "A connection without a request is closed after this."),
    ConfigurationKey(
      "timeouts.write", .duration(.seconds(1)...(.seconds(3_600))), default: "30s",
      "A reply that cannot be written for this long is given up."),
    ConfigurationKey(
      "timeouts.ready", .duration(.milliseconds(100)...(.seconds(60))), default: "2s",
      "How long Redis may take before `/health/ready` turns red."),
  ]

  private static let rates: [ConfigurationKey] = [
    ConfigurationKey(
      "rate.participant", .text(RateText.rule), default: nil,
      "Requests of one participant, such as 50/s; by default off with `access` = open, else 50/s."),
    ConfigurationKey(
      "rate.address", .text(RateText.rule), default: nil,
      "Requests of one client address, such as 200/s; by default off with `access` = open, else 200/s. Behind a load balancer it needs `rate.trustedProxies`, or all clients share its address."
    ),
    ConfigurationKey(
      "rate.trustedProxies",
      .list(
        TextRule("an IP address or a range such as 10.0.0.0/8") { AddressRange($0) != nil }),
      default: "",
      "Load balancers that are believed when their X-Forwarded-For says which address a request is from."),
  ]

  private static let logs: [ConfigurationKey] = [
    ConfigurationKey(
      "log.level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info",
      "Least severe log line that is written."),
    ConfigurationKey("log.format", .choice(["json", "text"]), default: "json", "Form of the log on standard error."),
  ]
}
