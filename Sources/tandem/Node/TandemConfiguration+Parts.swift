import EmbeddedRedis
import EventStreaming
import HTTPGateway
import RedisClient
import SharedSessions

/// The configuration as each part wants it.
extension TandemConfiguration {
  /// For the Redis client, from a URL.
  ///
  /// - Throws: `RedisURLError`; the table of keys has ruled that out.
  private func redisClient(url: String) throws(RedisURLError) -> RedisClientConfiguration {
    redisClient(try RedisClientConfiguration(url: url))
  }

  /// For the Redis client, on the given Redis or the private one.
  ///
  /// - Throws: `RedisURLError`, or `EmbeddedRedisError` when the data directory cannot be used.
  func redisClient() throws -> RedisClientConfiguration {
    if let redis { return try redisClient(url: redis) }
    let path = try EmbeddedRedis.socketPath(embeddedRedis)
    return redisClient(RedisClientConfiguration(topology: .standalone(.unixSocket(path: path))))
  }

  /// For the private redis-server.
  var embeddedRedis: EmbeddedRedisConfiguration { EmbeddedRedisConfiguration(dataDirectory: dataDirectory) }

  /// For the Redis client, on top of where it connects to.
  private func redisClient(_ base: RedisClientConfiguration) -> RedisClientConfiguration {
    var result = base
    result.commandTimeout = redisTimeout
    result.connectTimeout = redisTimeout
    result.connectionWait = min(result.connectionWait, redisTimeout)
    result.probePrefix = prefix
    result.maximumCommandsInFlight = limits.redisCommands
    result.maximumBytesInFlight = limits.redisBytes
    result.maximumReplyBytes = limits.redisReply
    result.maximumChannels = limits.redisChannels
    if durability == .replicated {
      result.durability = .replicated(replicas: redisReplicas, timeout: redisTimeout / 2)
    }
    return result
  }

  /// For the domain.
  var sharedSessionSettings: SharedSessionSettings {
    var settings = SharedSessionSettings()
    settings.joinReuse = joinReuse
    settings.maximumLifetime = sessionMaximumLifetime
    settings.retention = sessionRetention
    settings.eventsRetained = eventsRetained
    settings.eventBytesRetained = eventBytesRetained
    settings.maximumParticipants = limits.participants
    settings.maximumMessages = limits.messages
    settings.maximumPendingApprovals = limits.pendingApprovals
    settings.maximumPendingApprovalsPerParticipant = limits.pendingApprovalsPerParticipant
    settings.maximumPendingPermissions = limits.pendingPermissions
    settings.maximumInvites = limits.invites
    settings.rejectionNeedsReason = approvalsReasonRequired
    settings.maximumSessionsPerHost = limits.sessionsPerHost
    settings.dispatchLease = dispatchLease
    settings.dispatchTimeout = dispatchTimeout
    settings.hostGrace = dispatchGrace
    settings.sweepInterval = sweeperInterval
    return settings
  }

  /// For the gateway and its streams.
  var gatewayConfiguration: GatewayConfiguration {
    var gateway = GatewayConfiguration()
    gateway.host = host
    gateway.port = port
    gateway.access = access == .open ? .open : .keyed
    gateway.apiKeys = APIKeys(apiKeys.compactMap { APIKeys.Entry("\($0.name):\($0.digest)") })
    gateway.bodyBytes = limits.body
    gateway.headerBytes = limits.headers
    gateway.uriBytes = limits.uri
    gateway.jsonDepth = limits.jsonDepth
    gateway.connections = limits.connections
    gateway.pageSize = limits.pageSize
    gateway.sessionsPerStream = limits.sessionsPerStream
    gateway.fieldRules.identifier = limits.identifier
    gateway.fieldRules.userID = limits.userId
    gateway.fieldRules.displayName = limits.displayName
    gateway.fieldRules.messageText = limits.messageText
    gateway.fieldRules.prompt = limits.prompt
    gateway.fieldRules.reason = limits.reason
    gateway.fieldRules.toolCall = limits.toolCall
    gateway.participantRate = participantRate
    gateway.addressRate = addressRate
    gateway.trustedProxies = trustedProxies
    gateway.notificationBytes = limits.notification
    gateway.headTimeout = timeouts.head
    gateway.bodyTimeout = timeouts.body
    gateway.idleTimeout = timeouts.idle
    gateway.writeTimeout = timeouts.write
    gateway.probeTimeout = timeouts.ready
    gateway.streams.heartbeat = streamHeartbeat
    gateway.streams.bufferBytes = streamBufferBytes
    gateway.streams.retry = streamRetry
    gateway.streams.streamsPerParticipant = limits.streamsPerParticipant
    gateway.streams.streamsPerNode = limits.streamsPerNode
    gateway.drainTimeout = drainTimeout
    return gateway
  }
}
