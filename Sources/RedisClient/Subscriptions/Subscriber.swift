internal import CoreMetrics
internal import Logging
internal import NIOCore
internal import Observability
internal import RedisWire

/// The subscriptions of one server: one connection, kept and probed, and everybody who listens.
///
/// Confined to its event loop; other threads reach it through `SubscriberReference`. Decisions are made by
/// `SubscriberStateMachine`.
final class Subscriber: ChannelListening {
  /// Somebody who listens. Confined to the subscriber's event loop.
  final class Listener {
    let id: Int
    let onEvent: @Sendable (RedisSubscriptionEvent) -> Void
    var acknowledgement: EventLoopPromise<Void>?
    var timeout: Scheduled<Void>?
    /// Set when it lets go, so that events already on their way to it stop at once.
    var isCancelled = false

    init(
      id: Int, acknowledgement: EventLoopPromise<Void>, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) {
      self.id = id
      self.acknowledgement = acknowledgement
      self.onEvent = onEvent
    }
  }

  private let eventLoop: any EventLoop
  private let configuration: RedisClientConfiguration
  private let metrics: RedisMetrics
  private let logger: Logger
  private let reconnector: Reconnector<SubscriberConnection>
  private var machine: SubscriberStateMachine<Listener>
  private var listeners: [Int: Listener] = [:]
  private var nextID = 0
  /// Called on the event loop when another node of the cluster has a channel that was subscribed here.
  var onMoved: (_ channel: String, RedisError) -> Void = { _, _ in }
  private var probe: RepeatingTimer?
  /// What the gauge of subscribed channels was last told.
  private var reportedChannels = 0

  private let proof: SubscriptionProof?

  /// - Parameter proof: how its connection is proved to deliver; nil does not prove it.
  init(
    eventLoop: any EventLoop, connector: RedisConnector, proof: SubscriptionProof?, logger: Logger,
    metrics: RedisMetrics
  ) {
    self.proof = proof
    let configuration = connector.configuration
    self.eventLoop = eventLoop
    self.configuration = configuration
    self.metrics = metrics
    self.logger = logger
    machine = SubscriberStateMachine(maximumChannels: configuration.maximumChannels)
    reconnector = Reconnector(eventLoop: eventLoop, connector: connector, logger: logger, metrics: metrics) { _ in
      SubscriberConnection(maximumReplyBytes: configuration.maximumReplyBytes)
    }
  }

  func start() {
    // Cycles on purpose, until `stop()`.
    reconnector.onConnected = { connection in
      connection.onReply = { reply in
        if case .oversized = reply { self.metrics.oversizedReplies.increment() }
        self.perform(self.machine.receive(reply))
      }
      self.perform(self.machine.connected())
    }
    reconnector.onLost = { _ in self.perform(self.machine.disconnected()) }
    probe = RepeatingTimer(on: eventLoop, every: TimeAmount(configuration.probeInterval)) {
      self.perform(self.machine.tick(proof: self.proof?.channel()))
    }
    reconnector.start()
  }

  /// Replaces the connection if it was made before its server was found not to be the primary, or when another one is: it
  /// would answer on, and miss what is published elsewhere.
  func leave(_ finding: DemotionNotice.Finding) {
    switch finding {
    case .demoted(let found, let reason):
      guard let connection = reconnector.connection, reconnector.connectedAt <= found else { return }
      reconnector.wasDemoted()
      connection.end(reason)
    case .moved(let reason):
      guard let connection = reconnector.serverMoved() else { return }
      connection.onReply = { _ in }
      connection.end(reason)
      perform(machine.disconnected())
    }
  }

  func stop() -> EventLoopFuture<Void> {
    probe?.cancel()
    probe = nil
    let future = reconnector.stop()
    perform(machine.stop(.shutDown))
    listeners.removeAll()
    reconnector.onConnected = { _ in }
    reconnector.onLost = { _ in }
    onMoved = { _, _ in }
    return future
  }

  /// Adds a listener; its acknowledgement is always completed.
  ///
  /// - Parameter limit: how long the acknowledgement may take; nil is the command timeout.
  /// - Returns: the id of its hold.
  func add(
    channel: String, within limit: TimeAmount?, acknowledgement: EventLoopPromise<Void>,
    onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) -> Int {
    nextID += 1
    let id = nextID
    guard !reconnector.isStopped else {
      acknowledgement.fail(RedisError.shutDown)
      return id
    }
    let listener = Listener(id: id, acknowledgement: acknowledgement, onEvent: onEvent)
    listeners[id] = listener
    perform(machine.add(listener, id: id, channel: channel))
    if listener.acknowledgement != nil {
      listener.timeout = eventLoop.assumeIsolated().scheduleTask(in: limit ?? TimeAmount(configuration.commandTimeout))
      {
        self.perform(self.machine.expire(id: id, self.lateError))
      }
    }
    return id
  }

  func remove(id: Int) {
    listeners.removeValue(forKey: id)?.isCancelled = true
    perform(machine.remove(id: id))
  }

  private var lateError: RedisError {
    if reconnector.connection == nil, let failure = reconnector.latestFailure { return failure }
    return .timedOut(after: configuration.commandTimeout, mayHaveRun: true)
  }

  private func perform(_ actions: [SubscriberStateMachine<Listener>.Action]) {
    for action in actions {
      switch action {
      case .subscribe(let channel): reconnector.connection?.send(RedisCommand("SSUBSCRIBE", .string(channel)))
      case .unsubscribe(let channel): reconnector.connection?.send(RedisCommand("SUNSUBSCRIBE", .string(channel)))
      case .ping: reconnector.connection?.send(RedisCommand("PING"))
      case .prove(let channel, let token): prove(channel, token)
      case .acknowledge(let listener): complete(listener, nil)
      case .reject(let listener, let error):
        listeners[listener.id] = nil
        complete(listener, error)
      case .notify(let listener, let event): notify(listener, event)
      case .moved(let channel, let error): onMoved(channel, error)
      case .close(let error):
        logger.warning("redis subscriber connection closed", metadata: [LogKey.error: "\(error.message)"])
        reconnector.connection?.end(error)
      }
    }
    metrics.channels.add(machine.channelCount - reportedChannels)
    reportedChannels = machine.channelCount
  }

  private func prove(_ channel: String, _ token: Int) {
    let subscriber = NIOLoopBound(self, eventLoop: eventLoop)
    proof?.publish(channel, token) { [eventLoop] in
      eventLoop.execute { subscriber.value.machine.published(channel, token: token) }
    }
  }

  private func complete(_ listener: Listener, _ error: RedisError?) {
    listener.timeout?.cancel()
    guard let acknowledgement = listener.acknowledgement.take() else { return }
    if let error { acknowledgement.fail(error) } else { acknowledgement.succeed() }
  }

  private func notify(_ listener: Listener, _ event: RedisSubscriptionEvent) {
    guard !listener.isCancelled else { return }
    switch event {
    case .message: metrics.messages.increment()
    case .interrupted: metrics.interruptions.increment()
    case .restored: break
    }
    listener.onEvent(event)
  }
}

/// A `Subscriber` as other threads see it. Sendable: it touches the subscriber only on the subscriber's event loop.
struct SubscriberReference: Sendable {
  let eventLoop: any EventLoop
  private let subscriber: NIOLoopBoundBox<Subscriber>

  init(
    eventLoop: any EventLoop, connector: RedisConnector, proof: SubscriptionProof?, notice: DemotionNotice,
    logger: Logger, metrics: RedisMetrics
  ) {
    self.eventLoop = eventLoop
    let subscriber = NIOLoopBoundBox<Subscriber>.makeBoxSendingValue(
      Subscriber(eventLoop: eventLoop, connector: connector, proof: proof, logger: logger, metrics: metrics),
      eventLoop: eventLoop)
    self.subscriber = subscriber
    notice.addListener { finding in eventLoop.execute { subscriber.value.leave(finding) } }
  }

  func start() {
    eventLoop.execute { subscriber.value.start() }
  }

  func stop() async {
    try? await eventLoop.flatSubmit { subscriber.value.stop() }.get()
  }

  func subscribe(
    to channel: String, within limit: TimeAmount? = nil, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription {
    try await subscriber.subscribe(to: channel, within: limit, on: eventLoop, onEvent: onEvent)
  }
}
