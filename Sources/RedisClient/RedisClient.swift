public import Logging
public import NIOCore
public import RedisWire
public import ServiceLifecycle

/// The way to Redis: commands, scripts and subscriptions on connections that it keeps.
///
/// Sendable: immutable itself; everything that changes lives on event loops. Commands may be given from any task at any
/// time after `run()` was started; one issued by a task that runs on one of the group's event loops uses that
/// loop's connection without a thread hop.
///
/// A command cannot be taken back: cancelling the task does not stop it. It always ends within
/// `RedisClientConfiguration.commandTimeout`.
public final class RedisClient: Service, Sendable {
  /// What it was made with.
  public let configuration: RedisClientConfiguration
  let eventLoopGroup: any EventLoopGroup
  let logger: Logger

  /// A client that connects once `run()` is called.
  ///
  /// - Parameters:
  ///   - configuration: where Redis is and how to use it.
  ///   - eventLoopGroup: one connection is kept for each of its loops.
  ///   - logger: for changes of the connections; single commands are never logged.
  public init(configuration: RedisClientConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
    self.configuration = configuration
    self.eventLoopGroup = eventLoopGroup
    self.logger = logger
  }

  /// Keeps the connections until the task is cancelled or a graceful shutdown is asked for; then fails what is under way.
  ///
  /// - Throws: `RedisError` at once when the configuration's topology cannot be used.
  public func run() async throws {
    try? await gracefulShutdown()
  }

  /// Sends one command.
  ///
  /// - Parameters:
  ///   - command: the command.
  ///   - key: the key that decides which server of a cluster gets it; nil for any.
  /// - Returns: the reply, never `.error` at its top.
  /// - Throws: `RedisError`.
  public func send(_ command: RedisCommand, key: String?) async throws(RedisError) -> RedisValue {
    throw RedisError(code: .unavailable, message: "There is no connection to Redis.", mayHaveRun: false)
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
    throw RedisError(code: .unavailable, message: "There is no connection to Redis.", mayHaveRun: false)
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
    throw RedisError(code: .unavailable, message: "There is no connection to Redis.", mayHaveRun: false)
  }

  /// Ends a subscription, like its `cancel()`.
  public func unsubscribe(_ subscription: RedisSubscription) { subscription.cancel() }

  /// Checks that Redis takes a write, answers a read and delivers a message, for readiness.
  ///
  /// - Parameter limit: how long all of it may take.
  /// - Throws: `RedisError` saying which of the three failed.
  public func probe(within limit: Duration) async throws(RedisError) {
    throw RedisError(code: .unavailable, message: "There is no connection to Redis.", mayHaveRun: false)
  }
}
