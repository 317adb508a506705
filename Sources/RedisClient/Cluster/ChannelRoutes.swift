internal import CoreMetrics
internal import Logging
internal import NIOCore
internal import RedisWire

/// The subscriptions of a cluster: a subscriber for each primary with a channel somebody listens to, and who listens.
///
/// Confined to its event loop, as its subscribers are; other threads reach it through `ChannelRoutesReference`. Decisions are
/// made by `ChannelRoutesStateMachine`.
final class ChannelRoutes: ChannelListening {
  private typealias Listener = Subscriber.Listener
  /// A subscription at a primary.
  private struct Attachment {
    let attempt: Int
    let endpoint: RedisEndpoint
    let id: Int
  }

  private let eventLoop: any EventLoop
  private let connector: RedisConnector
  private let logger: Logger
  private let metrics: RedisMetrics
  private let watch: ClusterWatchReference
  private let proof: (RedisEndpoint) -> SubscriptionProof?
  private var machine: ChannelRoutesStateMachine<Subscriber.Listener>
  private var subscribers: [RedisEndpoint: Subscriber] = [:]
  private var attachments: [String: Attachment] = [:]
  private var listeners: [Int: Listener] = [:]
  private var nextID = 0
  private var isStopped = false
  /// Subscribers of primaries without slots that are closing.
  private var closing: [EventLoopFuture<Void>] = []

  /// - Parameters:
  ///   - connector: its copies lead to the primaries.
  ///   - proof: how the connection to one of them is proved to deliver.
  init(
    eventLoop: any EventLoop, connector: RedisConnector, watch: ClusterWatchReference, logger: Logger,
    metrics: RedisMetrics, proof: @escaping @Sendable (RedisEndpoint) -> SubscriptionProof?
  ) {
    self.proof = proof
    self.eventLoop = eventLoop
    self.connector = connector
    self.watch = watch
    self.logger = logger
    self.metrics = metrics
    machine = ChannelRoutesStateMachine(maximumChannels: connector.configuration.maximumChannels)
  }

  /// The slots are spread like this now.
  func adopt(_ table: SlotTable) {
    guard !isStopped else { return }
    perform(machine.adopt(table))
    for (endpoint, subscriber) in subscribers
    where !table.primaries.contains(endpoint) && !attachments.values.contains(where: { $0.endpoint == endpoint }) {
      subscribers[endpoint] = nil
      closing.append(subscriber.stop())
    }
    closing = Array(closing.suffix(64))
  }

  /// A server was found not to be the primary, by somebody else.
  func leave(_ endpoint: RedisEndpoint, _ finding: DemotionNotice.Finding) { subscribers[endpoint]?.leave(finding) }

  func stop() -> EventLoopFuture<Void> {
    isStopped = true
    perform(machine.stop(.shutDown))
    let stopping = subscribers.values.map { $0.stop() } + closing
    subscribers = [:]
    attachments = [:]
    listeners = [:]
    return EventLoopFuture.andAllComplete(stopping, on: eventLoop)
  }

  /// Adds a listener, as `Subscriber.add` does.
  func add(
    channel: String, within limit: TimeAmount?, acknowledgement: EventLoopPromise<Void>,
    onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) -> Int {
    nextID += 1
    let id = nextID
    guard !isStopped else {
      acknowledgement.fail(RedisError.shutDown)
      return id
    }
    let listener = Listener(id: id, acknowledgement: acknowledgement, onEvent: onEvent)
    listeners[id] = listener
    perform(machine.add(listener, id: id, channel: channel))
    if listener.acknowledgement != nil {
      let limit = limit ?? TimeAmount(connector.configuration.commandTimeout)
      listener.timeout = eventLoop.assumeIsolated().scheduleTask(in: limit) {
        let late = RedisError.timedOut(after: .nanoseconds(limit.nanoseconds), mayHaveRun: true)
        self.perform(self.machine.expire(id: id, late))
      }
    }
    return id
  }

  func remove(id: Int) {
    listeners.removeValue(forKey: id)?.isCancelled = true
    perform(machine.remove(id: id))
  }

  private func perform(_ actions: [ChannelRoutesStateMachine<Listener>.Action]) {
    for action in actions {
      switch action {
      case .attach(let channel, let endpoint, let attempt): attach(channel, endpoint, attempt)
      case .detach(let channel, let attempt):
        guard let attachment = attachments[channel], attachment.attempt == attempt else { break }
        attachments[channel] = nil
        subscribers[attachment.endpoint]?.remove(id: attachment.id)
      case .retry(let channel, let attempt, let pause):
        eventLoop.assumeIsolated().scheduleTask(in: pause) {
          self.perform(self.machine.retry(channel, attempt: attempt))
        }
      case .look: watch.look()
      case .acknowledge(let listener): complete(listener, nil)
      case .reject(let listener, let error):
        listeners[listener.id] = nil
        complete(listener, error)
      case .notify(let listener, let event):
        if !listener.isCancelled { listener.onEvent(event) }
      }
    }
  }

  private func attach(_ channel: String, _ endpoint: RedisEndpoint, _ attempt: Int) {
    let routes = NIOLoopBound(self, eventLoop: eventLoop)
    let acknowledgement = eventLoop.makePromise(of: Void.self)
    let id = subscriber(of: endpoint).add(channel: channel, within: nil, acknowledgement: acknowledgement) { event in
      let routes = routes.value
      routes.perform(routes.machine.received(event, on: channel, attempt: attempt))
    }
    attachments[channel] = Attachment(attempt: attempt, endpoint: endpoint, id: id)
    acknowledgement.futureResult.assumeIsolated().whenComplete { result in
      switch result {
      case .success: self.perform(self.machine.attached(channel, attempt: attempt))
      case .failure(let error): self.refused(channel, attempt, endpoint, error as? RedisError ?? .shutDown)
      }
    }
  }

  private func refused(_ channel: String, _ attempt: Int, _ endpoint: RedisEndpoint, _ error: RedisError) {
    if let target = RedirectTarget(error.message),
      let owner = connector.configuration.endpoint(of: target, saidBy: endpoint)
    {
      watch.moved(target.slot, to: owner)
    }
    perform(machine.refused(channel, attempt: attempt, error))
  }

  private func subscriber(of endpoint: RedisEndpoint) -> Subscriber {
    if let subscriber = subscribers[endpoint] { return subscriber }
    let subscriber = Subscriber(
      eventLoop: eventLoop, connector: connector.connector(to: endpoint), proof: proof(endpoint), logger: logger,
      metrics: metrics)
    subscribers[endpoint] = subscriber
    subscriber.onMoved = { channel, error in
      guard let attachment = self.attachments[channel], attachment.endpoint == endpoint else { return }
      self.refused(channel, attachment.attempt, endpoint, error)
    }
    subscriber.start()
    return subscriber
  }

  private func complete(_ listener: Listener, _ error: RedisError?) {
    listener.timeout?.cancel()
    guard let acknowledgement = listener.acknowledgement.take() else { return }
    if let error { acknowledgement.fail(error) } else { acknowledgement.succeed() }
  }
}

/// `ChannelRoutes` as other threads see it. Sendable: it touches the routes only on their event loop.
struct ChannelRoutesReference: Sendable {
  private let eventLoop: any EventLoop
  private let routes: NIOLoopBoundBox<ChannelRoutes>

  init(_ routes: sending ChannelRoutes, on eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    self.routes = NIOLoopBoundBox.makeBoxSendingValue(routes, eventLoop: eventLoop)
  }

  func adopt(_ table: SlotTable) { eventLoop.execute { routes.value.adopt(table) } }

  func leave(_ endpoint: RedisEndpoint, _ finding: DemotionNotice.Finding) {
    eventLoop.execute { routes.value.leave(endpoint, finding) }
  }

  func stop() async { try? await eventLoop.flatSubmit { routes.value.stop() }.get() }

  func subscribe(
    to channel: String, within limit: TimeAmount?, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription {
    try await routes.subscribe(to: channel, within: limit, on: eventLoop, onEvent: onEvent)
  }
}
