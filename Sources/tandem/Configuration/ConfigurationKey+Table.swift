import EmbeddedRedis
import EventStreaming
import HTTPGateway
import Logging
import RedisClient
import SharedSessions

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
    .text(
      "host", \.gateway.host, .printable("an address or a host name without spaces", maximumLength: 255),
      "Address to listen on; anything but loopback needs `access` = keyed, or `forceOpen`."),
    .integer("port", \.gateway.port, 0...65_535, "Port to listen on; 0 picks a free one."),
  ]

  private static let redisKeys: [ConfigurationKey] = [
    .text(
      "redis", \.redis, secret: true,
      TextRule(
        "a URL that starts with redis://, unix://, redis+sentinel:// or redis+cluster://, or with rediss for TLS"
      ) {
        // A user may stand without a password, which a file can hold.
        (try? RedisClientConfiguration(url: $0, password: "")) != nil
      },
      "Redis to use, with user, password and database number in the URL; several hosts of Sentinels (`redis+sentinel://h1,h2,h3/PRIMARY`) or of a cluster (`redis+cluster://h1,h2`); without it the node runs a private redis-server."
    ),
    .text(
      "redisPasswordFile", \.redisPasswordFile, .printable("the path of a file"),
      "File with the password for `redis`, instead of in the URL; one line."),
    .text(
      "redisSentinelUser", \.redisSentinelUser, .printable("a name without spaces", maximumLength: 128),
      "ACL user for the Sentinels themselves; what `redis` holds is for the servers they name."),
    .text(
      "redisSentinelPassword", \.redisSentinelPassword, secret: true, .printable("a password"),
      "Password for the Sentinels themselves; without it nothing is said to them."),
    .text(
      "redisSentinelPasswordFile", \.redisSentinelPasswordFile, .printable("the path of a file"),
      "File with that password, instead of `redisSentinelPassword`; one line."),
    .duration(
      "redisSentinelLook", \.redisSettings.sentinelLook, .milliseconds(500)...(.seconds(600)),
      "How often Sentinels are asked who the primary is when nothing gives a reason to ask before."),
    .duration(
      "redisClusterLook", \.redisSettings.clusterLook, .milliseconds(500)...(.seconds(600)),
      "How often a cluster is asked which primary has which slots when nothing gives a reason to ask before."),
    .list(
      "redisAddresses", \.redisAddresses, RedisAddressMapping.rule, parse: { RedisAddressMapping($0) },
      "Where to reach servers that Sentinels or a cluster name under addresses that lead nowhere from here (NAT)."),
    .duration(
      "redisTimeout", \.redisTimeout, .milliseconds(50)...(.seconds(120)),
      "How long a command may wait for its reply before it fails."),
    .choice(
      "durability", \.durability,
      "When a write is acknowledged: when the primary has it, when `redisReplicas` replicas have it too (replicated), or when it is on the disks of all of them (synced, with Redis 7.2 or later)."
    ),
    .integer(
      "redisReplicas", \.redisReplicas, 1...16,
      "Replicas that must have a write when `durability` = replicated or synced; by default a majority of those known to be up."
    ),
    .text(
      "prefix", \.prefix, .characters("1 to 32 letters, digits and ._:-", nameCharacters, length: 1...32),
      "First part of every key in Redis."),
    .text(
      "dataDirectory", \.embeddedRedis.dataDirectory, .printable("a path"),
      "Where the private redis-server keeps its data; by default `tandem` below `$XDG_STATE_HOME` or `~/.local/state`."),
    .optionalBytes(
      "redisMaxMemory", \.embeddedRedis.maximumMemory, (16 << 20)...(1 << 40),
      "Memory the data of the private redis-server may take; full, it refuses writes (503) and evicts nothing. 0 is no bound."
    ),
  ]

  private static let access: [ConfigurationKey] = [
    .choice(
      "access", \.askedAccess,
      "Who may list, create and read: anybody, or holders of an API key and participants; by default open on loopback, keyed elsewhere."
    ),
    .boolean("forceOpen", \.forceOpen, "Allow `access` = open on an address other machines can reach."),
    .list(
      "hosts", \.gateway.hosts, AccessText.host,
      "Names a request's `Host` may hold when `access` = open, besides those of loopback: the name of a tunnel or proxy on this machine. What `host` says is always one."
    ),
    .list(
      "cors.origins", \.gateway.corsOrigins, AccessText.origin,
      "Web sites whose pages may use this server, as origins such as https://team.example; none may by default."),
    .list(
      "apiKeys", \.apiKeys, secret: true, AccessText.apiKey, parse: { APIKeys.Entry($0) },
      "API keys as NAME:DIGEST, the digest being the key's SHA-256 in hex, or NAME:DIGEST:SCOPES with what it may do, such as ci:DIGEST:create+read; without scopes everything."
    ),
    .text(
      "apiKeysFile", \.apiKeysFile, .printable("the path of a file"),
      "File with such entries, one a line, instead of `apiKeys`; blank lines and those that begin with # are skipped."),
    .choice(
      "metrics.access", \.gateway.metricsAccess,
      "Who may read `/metrics`: this machine and holders of an API key that may read (loopback), only they (keyed), or everybody (open)."
    ),
    .choice(
      "join.reuse", \.askedJoinReuse,
      "Whether joining again under a present user's id needs that participant's credentials (strict); by default lenient with `access` = open, else strict."
    ),
  ]

  private static let sessions: [ConfigurationKey] = [
    .duration(
      "session.maximumLifetime", \.sessions.maximumLifetime, .seconds(60)...aboutOneYear,
      "Longest life of a shared session."),
    .duration(
      "session.retention", \.sessions.retention, .seconds(1)...aboutOneYear,
      "How long the events of an ended session stay readable."),
    .duration(
      "sweeper.interval", \.sessions.sweepInterval, .milliseconds(50)...(.seconds(60)),
      "How often a node looks for sessions that have expired."),
    .duration(
      "dispatch.lease", \.sessions.dispatchLease, .seconds(1)...(.seconds(3_600)),
      "How long a bridge that has lost its connection keeps the prompt it runs."),
    .duration(
      "dispatch.timeout", \.sessions.dispatchTimeout, .seconds(1)...(.seconds(7 * 86_400)),
      "How long an approved prompt waits for a bridge to start it."),
    .duration(
      "dispatch.grace", \.sessions.hostGrace, .seconds(0)...(.seconds(7 * 86_400)),
      "How long approved prompts wait for a host that went offline; 0 leaves only `dispatch.timeout`."),
    .boolean("approvals.reasonRequired", \.sessions.rejectionNeedsReason, "Whether a rejection needs a reason."),
    .duration(
      "drain.timeout", \.gateway.drainTimeout, .seconds(0)...(.seconds(600)),
      "How long a node that was asked to stop may take to finish its requests and end its streams."),
  ]

  private static let streams: [ConfigurationKey] = [
    .duration(
      "stream.heartbeat", \.gateway.streams.heartbeat, .milliseconds(100)...(.seconds(300)),
      "Time between two heartbeats of a stream."),
    .bytes(
      "stream.bufferBytes", \.gateway.streams.bufferBytes, 4_096...(1 << 30),
      "Bytes a stream may fall behind before it is disconnected."),
    .duration(
      "stream.retry", \.gateway.streams.retry, .milliseconds(100)...(.seconds(300)),
      "How long clients are told to wait before they reconnect."),
    .duration(
      "stream.patience", \.gateway.streams.patience, .seconds(0)...(.seconds(300)),
      "How long a stream waits for Redis while it is away, before it ends and its client reconnects; 0 answers 503."),
    .integer(
      "events.retained", \.sessions.eventsRetained, 100...1_000_000,
      "About how many events of a session are kept for replay."),
    .bytes(
      "events.retainedBytes", \.sessions.eventBytesRetained, (64 << 10)...(1 << 32),
      "About how many bytes of events a session keeps for replay; the newest event is always kept."),
    .bytes(
      "events.pageBytes", \.sessions.eventPageBytes, (64 << 10)...(64 << 20),
      "About how many bytes of events are read from Redis at once; a single larger event is read whole."),
  ]

  private static let limits: [ConfigurationKey] = [
    .bytes("limits.body", \.gateway.bodyBytes, 1_024...(64 << 20), "Largest request body."),
    .bytes("limits.headers", \.gateway.headerBytes, 1_024...(1 << 20), "Largest header block."),
    .bytes("limits.uri", \.gateway.uriBytes, 256...(64 << 10), "Longest request target."),
    .integer("limits.jsonDepth", \.gateway.jsonDepth, 4...512, "Deepest nesting of a JSON body."),
    .integer("limits.identifier", \.gateway.fieldRules.identifier, 36...128, "Longest id a client may choose."),
    .integer("limits.userId", \.gateway.fieldRules.userID, 1...1_024, "Longest user id, in characters."),
    .integer("limits.displayName", \.gateway.fieldRules.displayName, 1...1_024, "Longest display name, in characters."),
    .bytes("limits.messageText", \.gateway.fieldRules.messageText, 1...(16 << 20), "Longest message."),
    .bytes("limits.prompt", \.gateway.fieldRules.prompt, 1...(16 << 20), "Longest prompt."),
    .bytes(
      "limits.attachment", \.gateway.attachmentBytes, 1_024...(8 << 20), "Largest attachment of a prompt."),
    .integer("limits.attachments", \.gateway.attachments, 1...32, "Attachments of one prompt."),
    .bytes(
      "limits.attachmentBytes", \.sessions.attachmentBytesRetained, (1 << 20)...(1 << 32),
      "Bytes of the attachments of one session; those of prompts that are over go first."),
    .bytes(
      "limits.uploadBytes", \.gateway.uploadBytes, (1 << 20)...(1 << 34),
      "Bytes of prompts with attachments that one node reads at once; more are told to try again."),
    .bytes(
      "limits.reason", \.gateway.fieldRules.reason, 1...(1 << 20),
      "Longest reason of a decision and error of a dispatch."),
    .bytes(
      "limits.notification", \.gateway.notificationBytes, 1_024...(64 << 20),
      "Largest notification of an agent, which may hold a file or an image."),
    .integer(
      "limits.participants", \.sessions.maximumParticipants, 1...100_000, "Participants present in one session."),
    .integer("limits.messages", \.sessions.maximumMessages, 1...10_000_000, "Messages of one session."),
    .bytes(
      "limits.messageBytes", \.sessions.maximumMessageBytes, (64 << 10)...(1 << 32),
      "Bytes of the messages of one session."),
    .integer(
      "limits.pendingApprovals", \.sessions.maximumPendingApprovals, 1...100_000, "Pending approvals of one session."),
    .integer(
      "limits.pendingApprovalsPerParticipant", \.sessions.maximumPendingApprovalsPerParticipant, 1...100_000,
      "Pending approvals of one participant."),
    .integer(
      "limits.resolvedApprovals", \.sessions.maximumApprovals, 1...100_000,
      "Resolved approvals kept in one session; the oldest go first, and events and export keep the record."),
    .bytes(
      "limits.approvalBytes", \.sessions.approvalBytesRetained, (64 << 10)...(1 << 32),
      "Bytes of the approvals kept in one session; the oldest resolved ones go first."),
    .integer(
      "limits.pendingPermissions", \.sessions.maximumPendingPermissions, 1...10_000,
      "Permission requests and questions of the agent that wait in one session."),
    .bytes(
      "limits.toolCall", \.gateway.fieldRules.toolCall, 1_024...(16 << 20),
      "Largest tool call of a permission request, and largest list of its options."),
    .bytes(
      "limits.agentPart", \.sessions.agentPartBytes, 1_024...(1 << 20),
      "Bytes that are kept of each part of what the agent is: its modes, options, commands, plan and so on; a larger one is cut."
    ),
    .integer(
      "limits.agentEntries", \.sessions.agentListEntries, 1...10_000,
      "Entries of each list among them; further ones are left out."),
    .bytes(
      "limits.question", \.gateway.fieldRules.question, 1_024...(1 << 20),
      "Largest question of an agent, its fields included, and largest answer."),
    .integer(
      "limits.invites", \.sessions.maximumInvites, 1...10_000, "Scoped invites of one session, revoked ones included."),
    .integer(
      "limits.departedParticipants", \.sessions.maximumDeparted, 1...100_000,
      "Departed participants kept in one session; those who left first go first."),
    .integer(
      "limits.answers", \.sessions.maximumAnswers, 1...1_000_000,
      "Answers kept in one session for requests with an Idempotency-Key; the oldest go first."),
    .bytes(
      "limits.answerBytes", \.sessions.answerBytesRetained, (64 << 10)...(1 << 32),
      "Bytes of those answers; the oldest go first."),
    .integer(
      "limits.streamsPerParticipant", \.gateway.streams.streamsPerParticipant, 1...10_000,
      "Open streams of one participant of a session, over all nodes."),
    .integer("limits.sessionsPerStream", \.gateway.sessionsPerStream, 1...256, "Sessions on one combined stream."),
    .integer(
      "limits.sessionsPerHost", \.sessions.maximumSessionsPerHost, 1...100_000, "Shared sessions of one host session."),
    .integer("limits.pageSize", \.gateway.pageSize, 1...5_000, "Most entries of one page."),
    .integer("limits.streamsPerNode", \.gateway.streams.streamsPerNode, 1...1_000_000, "Open streams of one node."),
    .integer("limits.connections", \.gateway.connections, 1...1_000_000, "Open connections of one node."),
    .integer(
      "limits.redisCommands", \.redisSettings.maximumCommandsInFlight, 1...1_000_000,
      "Commands of one connection to Redis without a reply; more are refused."),
    .bytes(
      "limits.redisBytes", \.redisSettings.maximumBytesInFlight, (1 << 20)...(1 << 32),
      "Bytes of those commands; more are refused."),
    .bytes(
      "limits.redisReply", \.redisSettings.maximumReplyBytes, (16 << 20)...(1 << 32),
      "Largest reply of Redis; a larger one is dropped, and only its own command fails."),
    .integer(
      "limits.redisChannels", \.redisSettings.maximumChannels, 1...10_000_000,
      "Channels a node is subscribed to at once."),
  ]

  private static let timeouts: [ConfigurationKey] = [
    .duration(
      "timeouts.head", \.gateway.headTimeout, .milliseconds(100)...(.seconds(600)),
      "From the first byte of a request's head to its last."),
    .duration(
      "timeouts.body", \.gateway.bodyTimeout, .milliseconds(100)...(.seconds(3_600)),
      "From a request's head to the end of its body; NDJSON bodies may stay open."),
    .duration(
      "timeouts.line", \.gateway.lineTimeout, .seconds(1)...(.seconds(3_600)),
      "From the first byte of a line of an NDJSON body to its end; between lines such a body may rest."),
    .duration(
      "timeouts.idle", \.gateway.idleTimeout, .seconds(1)...(.seconds(3_600)),
      "A connection without a request is closed after this."),
    .duration(
      "timeouts.write", \.gateway.writeTimeout, .seconds(1)...(.seconds(3_600)),
      "A reply that cannot be written for this long is given up."),
    .duration(
      "timeouts.ready", \.gateway.probeTimeout, .milliseconds(100)...(.seconds(60)),
      "How long Redis may take before `/health/ready` turns red."),
    .integer(
      "health.lostPrimaries", \.gateway.lostPrimaries, 1...100,
      "Percent of a cluster's primaries; with fewer of them gone `/health/ready` says degraded and stays 200."),
  ]

  private static let rates: [ConfigurationKey] = [
    .text(
      "rate.participant", \.askedParticipantRate, RateText.rule, parse: RateSetting.init, format: \.text,
      "Requests of one participant, such as 50/s; by default off with `access` = open, else 50/s."),
    .text(
      "rate.address", \.askedAddressRate, RateText.rule, parse: RateSetting.init, format: \.text,
      "Requests of one client address, such as 200/s; by default off with `access` = open, else 200/s. Behind a load balancer it needs `rate.trustedProxies`, or all clients share its address."
    ),
    .list(
      "rate.trustedProxies", \.gateway.trustedProxies,
      TextRule("an IP address or a range such as 10.0.0.0/8") { AddressRange($0) != nil }, parse: { AddressRange($0) },
      "Load balancers that are believed when their X-Forwarded-For says which address a request is from."),
  ]

  private static let logs: [ConfigurationKey] = [
    .choice("log.level", \.logLevel, "Least severe log line that is written."),
    .choice("log.format", \.logFormat, "Form of the log on standard error."),
  ]
}
