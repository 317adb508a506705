internal import RedisWire

/// How a subscriber connection is proved to deliver: by messages that are published elsewhere. Sendable: immutable.
struct SubscriptionProof: Sendable {
  /// A channel of its own, at the server of the connection.
  let channel: @Sendable () -> String
  /// Publishes a number there; the last argument is called once Redis has taken it, and never when it has not.
  let publish: @Sendable (_ channel: String, _ token: Int, _ taken: @escaping @Sendable () -> Void) -> Void

  /// - Parameters:
  ///   - channel: makes the channel's name.
  ///   - link: the way to the server; nil when there is none now.
  init(channel: @escaping @Sendable () -> String, link: @escaping @Sendable () -> CommandLinkReference?) {
    self.channel = channel
    publish = { channel, token, taken in
      link()?.post(RedisCommand("SPUBLISH", .string(channel), .integer(token))) { answer in
        if case .success = answer { taken() }
      }
    }
  }
}
