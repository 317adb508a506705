public import Logging
public import NIOCore
public import RedisWire
public import ServiceLifecycle

/// The way to Redis: commands, scripts and subscriptions on connections that it keeps.
///
/// Sendable: immutable itself; everything that changes lives on event loops. Commands may be given from any task at any
/// time; those given before `run()` was started, or while there is no connection, wait for one for a moment. One
/// given by a task that runs on one of the group's event loops uses that loop's connection without a thread hop.
///
/// A command cannot be taken back: cancelling the task does not stop it. It always ends within
/// `connectionWait` and `commandTimeout` of the configuration (twice the latter for a script that Redis does not know yet).
public final class RedisClient: Service, Sendable {
  /// What it was made with.
  public let configuration: RedisClientConfiguration
  let eventLoopGroup: any EventLoopGroup
  private let logger: Logger
  let topology: any RedisTopology

  /// A client that connects once `run()` is called.
  ///
  /// - Parameters:
  ///   - configuration: where Redis is and how to use it.
  ///   - eventLoopGroup: one connection is kept for each of its loops, and with replicated durability another for the
  ///     writes that wait.
  ///   - logger: for changes of the connections; single commands are never logged.
  public init(configuration: RedisClientConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
    self.configuration = configuration
    self.eventLoopGroup = eventLoopGroup
    self.logger = logger
    do {
      topology = try Self.makeTopology(configuration, eventLoopGroup, logger)
    } catch {
      topology = UnusableTopology(reason: error)
    }
  }

  /// Keeps the connections until the task is cancelled or a graceful shutdown is asked for; then fails what is under way.
  ///
  /// - Throws: `RedisError` at once when the configuration cannot be used.
  public func run() async throws {
    try topology.start()
    try? await gracefulShutdown()
    await topology.stop()
  }

  /// Sends one command.
  ///
  /// - Parameters:
  ///   - command: the command; not one that changes what the connection is, such as SUBSCRIBE, MULTI or SELECT, and none that blocks.
  ///   - key: the key that decides which server of a cluster gets it; nil for any.
  /// - Returns: the reply, never `.error` at its top.
  /// - Throws: `RedisError`.
  public func send(_ command: RedisCommand, key: String?) async throws(RedisError) -> RedisValue {
    try await perform(.command(command), key: key, waits: false, on: eventLoopGroup.any())
  }

  /// Runs a script by its SHA-1, and with its source on the same connection when Redis does not know it.
  ///
  /// - Parameters:
  ///   - script: the script.
  ///   - keys: its KEYS, all of one hash tag; the first decides which server of a cluster gets it.
  ///   - arguments: its ARGV.
  /// - Returns: the reply, never `.error` at its top.
  /// - Throws: `RedisError`; with replicated durability also `notReplicated`.
  public func evaluate(
    _ script: RedisScript, keys: [String], arguments: [RedisArgument]
  ) async throws(RedisError) -> RedisValue {
    let call = RedisRequest.ScriptCall(script: script, keys: keys, arguments: arguments)
    return try await perform(
      .script(call), key: keys.first, waits: script.waitsForReplicas, on: eventLoopGroup.any())
  }

  private func perform(
    _ request: RedisRequest, key: String?, waits: Bool, on eventLoop: any EventLoop
  ) async throws(RedisError) -> RedisValue {
    var link: CommandLinkReference?
    do throws(RedisError) {
      let found = try topology.link(forKey: key, waits: waits, on: eventLoop)
      link = found
      return try await found.perform(request)
    } catch {
      return try await topology.recover(from: error, request, sentTo: link, forKey: key, on: eventLoop)
    }
  }

  /// Subscribes to a shard channel and returns once Redis has acknowledged it: what is published after that arrives.
  ///
  /// - Parameters:
  ///   - channel: the channel.
  ///   - onEvent: called in order on the subscriber connection's event loop, never under a lock; it must not block.
  /// - Throws: `RedisError` when Redis refuses or gives no acknowledgement within the command timeout.
  public func subscribe(
    to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription {
    try await topology.subscribe(to: channel, within: nil, onEvent: onEvent)
  }

  /// Ends a subscription, like its `cancel()`.
  public func unsubscribe(_ subscription: RedisSubscription) { subscription.cancel() }

  private static func makeTopology(
    _ configuration: RedisClientConfiguration, _ group: any EventLoopGroup, _ logger: Logger
  ) throws(RedisError) -> any RedisTopology {
    try configuration.check()
    switch configuration.topology {
    case .standalone(let endpoint):
      let connector = try RedisConnector(configuration, endpoint: endpoint)
      return StandaloneTopology(
        connector: connector, countsReplicas: configuration.durability.countsReplicas, group: group, logger: logger,
        metrics: RedisMetrics())
    case .sentinel(let sentinels, let name):
      return try SentinelTopology(
        sentinels, name: name, configuration, group: group, logger: logger, metrics: RedisMetrics())
    case .cluster(let seeds):
      return try ClusterTopology(seeds, configuration, group: group, logger: logger, metrics: RedisMetrics())
    }
  }
}
