internal import CoreMetrics
internal import Logging
internal import NIOCore
internal import Observability

/// Keeps one connection to one server: connects, pauses after failures, connects again.
///
/// Confined to its event loop. `Connection` is a channel handler that learns of the channel's end by itself and reports it
/// through `connectionLost`.
final class Reconnector<Connection: RedisConnection> {
  private var machine: ReconnectionStateMachine<Connection>
  private let eventLoop: any EventLoop
  private let connector: RedisConnector
  private let logger: Logger
  private let metrics: RedisMetrics
  private let makeConnection: (KnownReplicas) -> Connection
  private var pauseTimer: Scheduled<Void>?
  /// The attempt under way; what comes of an earlier one is of no use.
  private var attempt = 0
  /// Connections that were given up for another server and finish what is under way on them.
  private var leaving: [ObjectIdentifier: Connection] = [:]
  /// Called on the event loop when a connection can be used.
  var onConnected: (Connection) -> Void = { _ in }
  /// Called on the event loop when the connection in use is gone and the next attempt is under way.
  var onLost: (RedisError) -> Void = { _ in }
  /// Why the latest attempt failed; nil while connected.
  private(set) var latestFailure: RedisError?
  /// When the connection in use became usable.
  private(set) var connectedAt = NIODeadline.distantPast
  private var isDemoted = false
  /// Whether the connection in use has not ended.
  private var isInUse = false
  /// Made by `stop()`; completed when the channel is closed.
  private var stopped: EventLoopPromise<Void>?

  init(
    eventLoop: any EventLoop, connector: RedisConnector, logger: Logger, metrics: RedisMetrics,
    makeConnection: @escaping (KnownReplicas) -> Connection
  ) {
    machine = ReconnectionStateMachine(delay: connector.configuration.reconnectDelay)
    self.eventLoop = eventLoop
    self.connector = connector
    self.logger = logger
    self.metrics = metrics
    self.makeConnection = makeConnection
  }

  /// The connection in use, or nil while there is none.
  var connection: Connection? { machine.connection }

  /// Whether `stop()` was called.
  var isStopped: Bool {
    if case .stopped = machine.state { true } else { false }
  }

  func start() { perform(machine.start()) }

  /// Closes the connection for good.
  ///
  /// - Returns: a future that succeeds when the channel is closed.
  ///
  /// - Parameter closing: whether connections that were given up before are closed, too, instead of finishing what is under way.
  func stop(closing: Bool = true) -> EventLoopFuture<Void> {
    if let stopped {
      if closing { for connection in leaving.values { connection.close() } }
      return stopped.futureResult
    }
    let stopped = eventLoop.makePromise(of: Void.self)
    self.stopped = stopped
    perform(machine.stop())
    if closing { for connection in leaving.values { connection.close() } }
    finishStop()
    return stopped.futureResult
  }

  /// The connection in use has ended.
  func connectionLost(_ error: RedisError) {
    metrics.connections.add(-1)
    isInUse = false
    guard stopped == nil else { return finishStop() }
    connector.onTrouble()
    metrics.connectionsLost.increment()
    logger.warning(
      "redis connection lost",
      metadata: [LogKey.redisEndpoint: "\(connector.place)", LogKey.error: "\(error.message)"])
    latestFailure = error
    // Soon after it was made: the name still leads to the same server, so it is no use to hurry.
    let isRepeated =
      isDemoted && eventLoop.now - connectedAt < TimeAmount(connector.configuration.reconnectDelay.upperBound)
    isDemoted = false
    perform(machine.lost(jitter: .random(in: 0...1), countsAsFailure: isRepeated))
    onLost(error)
  }

  /// The server of the connection in use is not the primary; the connection is about to end.
  func wasDemoted() {
    guard !isDemoted else { return }
    metrics.demotions.increment()
    isDemoted = true
  }

  /// The server is in another place now: connects there at once, whatever was under way.
  ///
  /// - Returns: the connection that was in use. It is not reported as lost, and is to be retired.
  func serverMoved() -> Connection? {
    let (old, action) = machine.moved()
    if let old {
      leaving[ObjectIdentifier(old)] = old
      isInUse = false
      old.onEnd = { _ in
        self.metrics.connections.add(-1)
        self.leaving[ObjectIdentifier(old)] = nil
        self.finishStop()
      }
    }
    pauseTimer?.cancel()
    perform(action)
    return old
  }

  private func finishStop() {
    if !isInUse, leaving.isEmpty { stopped?.succeed() }
  }

  private func perform(_ action: ReconnectionStateMachine<Connection>.Action) {
    switch action {
    case .none: break
    case .connect: connect()
    case .pause(let amount):
      pauseTimer = eventLoop.assumeIsolated().scheduleTask(in: amount) { self.perform(self.machine.pauseEnded()) }
    case .cancelPause: pauseTimer?.cancel()
    case .close(let connection): connection.close()
    }
  }

  private func connect() {
    attempt += 1
    let attempt = attempt
    // Before the address is looked at: when the server moves in between, what comes of this attempt is not used.
    let replicas = connector.place.replicas
    connector.connect(on: eventLoop).assumeIsolated().whenComplete { result in
      guard attempt == self.attempt else {
        if case .success(let channel) = result { channel.close(promise: nil) }
        return
      }
      switch result {
      case .success(let channel): self.connected(channel, replicas)
      case .failure(let error):
        self.failed(
          error as? RedisError
            ?? RedisError(
              code: .unavailable, message: "Redis at \(self.connector.place) cannot be reached: \(error)",
              mayHaveRun: false))
      }
    }
  }

  private func connected(_ channel: any Channel, _ replicas: KnownReplicas) {
    guard !isStopped else {
      channel.close(promise: nil)
      return
    }
    let connection = makeConnection(replicas)
    do {
      try channel.pipeline.syncOperations.addHandler(connection)
    } catch {
      failed(RedisError(code: .unavailable, message: "The connection to Redis ended at once.", mayHaveRun: false))
      return
    }
    guard channel.isActive else {
      failed(RedisError(code: .unavailable, message: "The connection to Redis ended at once.", mayHaveRun: false))
      return
    }
    latestFailure = nil
    connectedAt = eventLoop.now
    metrics.connections.add(1)
    metrics.connectionsMade.increment()
    logger.debug("redis connection ready", metadata: [LogKey.redisEndpoint: "\(connector.place)"])
    isInUse = true
    perform(machine.succeeded(connection))
    // Keeps this alive until the channel has ended; the connection drops the closure then.
    connection.onEnd = { error in self.connectionLost(error) }
    onConnected(connection)
  }

  private func failed(_ error: RedisError) {
    // One line when it begins to fail, not one per attempt.
    if latestFailure?.message != error.message, !isStopped {
      logger.warning(
        "redis cannot be reached",
        metadata: [LogKey.redisEndpoint: "\(connector.place)", LogKey.error: "\(error.message)"])
    }
    latestFailure = error
    metrics.connectFailures.increment()
    if !isStopped { connector.onTrouble() }
    perform(machine.failed(jitter: .random(in: 0...1)))
  }
}

/// What a `Reconnector` needs of the handler of a channel. Confined to the channel's event loop.
protocol RedisConnection: ChannelHandler {
  /// Called once on the event loop when the channel has ended and everybody who waited was told.
  var onEnd: ((RedisError) -> Void)? { get set }
  /// Closes the channel.
  func close()
}
