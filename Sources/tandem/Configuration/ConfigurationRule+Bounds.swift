import AgentBridge
import EmbeddedRedis
import EventStreaming
import HTTPGateway
import RedisClient
import SharedSessions

/// Bounds that contradict each other. Each would show itself only later, as a request that can never succeed, a stream
/// that breaks for ever, or a record that is gone before anybody saw it.
extension ConfigurationRule {
  /// What stands around a text in a request: its name, quotes, credentials.
  static let aroundText = 1 << 10
  /// What stands around a record in Redis, or around a notification in its event.
  static let aroundRecord = 4 << 10
  /// What stands around all events of a page: ids, numbers, types.
  static let aroundPage = 64 << 10
  /// The longest entry of a combined stream's header: a session's id, a participant's, its token, a cursor.
  static let streamEntry = 160
  /// How much longer than a heartbeat a bridge must be able to wait, since heartbeats may be late.
  static let heartbeatSlack = Duration.seconds(2)

  static let bounds: [ConfigurationRule] = requests + events + records + times + counts

  private static let requests: [ConfigurationRule] = [
    ConfigurationRule(
      ["limits.prompt", "limits.body"],
      "a prompt is sent in a body, so limits.body must be larger by at least \(ByteCountText.format(aroundText))"
    ) { $0.gateway.fieldRules.prompt + aroundText > $0.gateway.bodyBytes },
    ConfigurationRule(
      ["limits.messageText", "limits.body"],
      "a message is sent in a body, so limits.body must be larger by at least \(ByteCountText.format(aroundText))"
    ) { $0.gateway.fieldRules.messageText + aroundText > $0.gateway.bodyBytes },
    ConfigurationRule(
      ["limits.sessionsPerStream", "limits.headers"],
      "a header names the sessions of a combined stream with up to \(streamEntry) bytes each, so limits.headers must "
        + "have room for them"
    ) { $0.gateway.sessionsPerStream * streamEntry > $0.gateway.headerBytes },
    ConfigurationRule(
      ["limits.body", "limits.redisBytes"],
      "what a body holds is sent to Redis in one command, so limits.redisBytes must be larger by at least "
        + ByteCountText.format(aroundRecord)
    ) { $0.gateway.bodyBytes + aroundRecord > $0.redisSettings.maximumBytesInFlight },
    ConfigurationRule(
      ["limits.attachment", "limits.attachments", "limits.redisBytes"],
      "the attachments of a prompt are sent to Redis in one command, so limits.redisBytes must have room for them and "
        + ByteCountText.format(aroundRecord)
    ) {
      $0.gateway.attachments * $0.gateway.attachmentBytes + aroundRecord > $0.redisSettings.maximumBytesInFlight
    },
    ConfigurationRule(
      ["limits.attachment", "limits.attachments", "limits.attachmentBytes"],
      "a session must have room for the attachments of one prompt and \(ByteCountText.format(aroundRecord)) around them"
    ) {
      $0.gateway.attachments * $0.gateway.attachmentBytes + aroundRecord > $0.sessions.attachmentBytesRetained
    },
    ConfigurationRule(
      ["limits.attachment", "limits.attachments", "limits.uploadBytes"],
      "a node must be able to read one prompt with all its attachments, in base64"
    ) {
      $0.gateway.bodyBytes + $0.gateway.attachments * ($0.gateway.attachmentBytes / 3 * 4 + aroundText)
        > $0.gateway.uploadBytes
    },
  ]

  private static let events: [ConfigurationRule] = [
    ConfigurationRule(
      ["limits.notification", "limits.redisReply"],
      "an event is read whole, so limits.redisReply must be larger by at least \(ByteCountText.format(aroundRecord))"
    ) { $0.gateway.notificationBytes + aroundRecord > $0.redisSettings.maximumReplyBytes },
    ConfigurationRule(
      ["events.pageBytes", "limits.redisReply"],
      "a page of events is one reply, so limits.redisReply must be larger by at least "
        + ByteCountText.format(aroundPage)
    ) { $0.sessions.eventPageBytes + aroundPage > $0.redisSettings.maximumReplyBytes },
    ConfigurationRule(
      ["limits.notification", "limits.redisBytes"],
      "a notification is sent to Redis in one command, so limits.redisBytes must be larger by at least "
        + ByteCountText.format(aroundRecord)
    ) { $0.gateway.notificationBytes + aroundRecord > $0.redisSettings.maximumBytesInFlight },
    ConfigurationRule(
      ["limits.notification", "events.retainedBytes"],
      "one such notification would push every other event out, so events.retainedBytes must be at least as much"
    ) { $0.gateway.notificationBytes > $0.sessions.eventBytesRetained },
  ]

  private static let records: [ConfigurationRule] = [
    ConfigurationRule(
      ["limits.messageText", "limits.messageBytes"],
      "a session must have room for one message and \(ByteCountText.format(aroundRecord)) around it"
    ) { $0.gateway.fieldRules.messageText + aroundRecord > $0.sessions.maximumMessageBytes },
    ConfigurationRule(
      ["limits.prompt", "limits.approvalBytes"],
      "a session must have room for one approval: its prompt, the edited prompt and "
        + "\(ByteCountText.format(aroundRecord)) around them"
    ) { 2 * $0.gateway.fieldRules.prompt + aroundRecord > $0.sessions.approvalBytesRetained },
    ConfigurationRule(
      ["limits.toolCall", "limits.approvalBytes"],
      "a session must have room for one permission request: its tool call, its options and "
        + "\(ByteCountText.format(aroundRecord)) around them"
    ) { 2 * $0.gateway.fieldRules.toolCall + aroundRecord > $0.sessions.approvalBytesRetained },
    ConfigurationRule(
      ["limits.question", "limits.approvalBytes"],
      "a session must have room for one question of the agent: its message, its fields, the answer and "
        + "\(ByteCountText.format(aroundRecord)) around them"
    ) { 3 * $0.gateway.fieldRules.question + aroundRecord > $0.sessions.approvalBytesRetained },
    ConfigurationRule(
      ["limits.prompt", "limits.answerBytes"],
      "a session must have room for the answer to one prompt and \(ByteCountText.format(aroundRecord)) around it"
    ) { $0.gateway.fieldRules.prompt + aroundRecord > $0.sessions.answerBytesRetained },
    ConfigurationRule(
      [
        "redisMaxMemory", "events.retainedBytes", "limits.messageBytes", "limits.approvalBytes", "limits.answerBytes",
        "limits.attachmentBytes",
      ],
      "one session that keeps so much would fill the private redis-server; redisMaxMemory must be more than the others "
        + "together, or 0"
    ) { configuration in
      let sessions = configuration.sessions
      let kept =
        sessions.eventBytesRetained + sessions.maximumMessageBytes + sessions.approvalBytesRetained
        + sessions.answerBytesRetained + sessions.attachmentBytesRetained
      let memory = configuration.embeddedRedis.maximumMemory
      return configuration.redis == nil && memory != 0 && memory <= kept
    },
  ]

  private static let times: [ConfigurationRule] = [
    ConfigurationRule { configuration in
      let (heartbeat, patience) = (configuration.gateway.streams.heartbeat, BridgeConfiguration.defaultReadTimeout)
      guard heartbeat + heartbeatSlack > patience else { return nil }
      return "stream.heartbeat is \(DurationText.format(heartbeat)) and the read time-out of tandem host is "
        + "\(DurationText.format(patience)); it would take every quiet stream for a dead one, so stream.heartbeat may be "
        + "\(DurationText.format(patience - heartbeatSlack)) at most"
    },
    ConfigurationRule(
      ["sweeper.interval", "session.retention"],
      "an expired session could be gone before its end is recorded, so session.retention must be longer"
    ) { $0.sessions.sweepInterval >= $0.sessions.retention },
    ConfigurationRule(
      ["sweeper.interval", "dispatch.lease"],
      "a lease that lapsed would be noticed only after a second one, so sweeper.interval must be at most as long"
    ) { $0.sessions.sweepInterval > $0.sessions.dispatchLease },
  ]

  private static let counts: [ConfigurationRule] = [
    ConfigurationRule(
      ["limits.streamsPerNode", "limits.connections"],
      "a node that holds all its streams must have a connection left for requests, so limits.connections must be more"
    ) { $0.gateway.streams.streamsPerNode >= $0.gateway.connections }
  ]
}
