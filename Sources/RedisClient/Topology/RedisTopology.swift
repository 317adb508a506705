internal import Logging
internal import NIOCore

/// Which server gets what. The only thing that differs between one server, Sentinel and a cluster.
///
/// Sendable, because every task asks it. Callers of `RedisClient` never see it.
protocol RedisTopology: Sendable {
  /// Begins to connect.
  ///
  /// - Throws: `RedisError` when the configuration cannot be used at all.
  func start() throws(RedisError)

  /// Closes everything and fails what is under way; returns when the channels are closed.
  func stop() async

  /// The way to the server that has the key, from the given event loop.
  ///
  /// - Parameter waits: whether replicas have to confirm what is sent.
  func link(
    forKey key: String?, waits: Bool, on eventLoop: any EventLoop
  ) throws(RedisError) -> CommandLinkReference

  /// Carries out what failed elsewhere, where that is known to be safe.
  ///
  /// - Parameters:
  ///   - error: why it failed.
  ///   - link: where it was sent; nil when no server was found for it.
  /// - Throws: the error, or what came of sending it again.
  func recover(
    from error: RedisError, _ request: RedisRequest, sentTo link: CommandLinkReference?, forKey key: String?,
    on eventLoop: any EventLoop
  ) async throws(RedisError) -> RedisValue

  /// Subscribes to a shard channel, wherever it is; see `RedisClient.subscribe`.
  ///
  /// - Parameter limit: how long the acknowledgement may take; nil is the command timeout.
  func subscribe(
    to channel: String, within limit: TimeAmount?, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription

  /// One name for each server that a probe has to try, which belongs to that server.
  ///
  /// - Parameter prefix: what the names begin with.
  func probeNames(_ prefix: String) throws(RedisError) -> [String]
}

extension RedisTopology {
  func recover(
    from error: RedisError, _ request: RedisRequest, sentTo link: CommandLinkReference?, forKey key: String?,
    on eventLoop: any EventLoop
  ) async throws(RedisError) -> RedisValue { throw error }

  func probeNames(_ prefix: String) throws(RedisError) -> [String] {
    ["\(prefix):\(UInt64.random(in: 0...UInt64.max))"]
  }
}

/// One server for everything. Immutable and Sendable.
struct StandaloneTopology: RedisTopology {
  private let node: RedisNode
  private let subscriber: SubscriberReference
  /// Only where no Sentinel tells how many replicas there are, and that matters.
  private let replicas: ReplicaWatchReference?

  /// - Parameter countsReplicas: whether to ask the server itself how many replicas it has.
  init(
    connector: RedisConnector, notice: DemotionNotice = DemotionNotice(), countsReplicas: Bool,
    group: any EventLoopGroup,
    logger: Logger, metrics: RedisMetrics
  ) {
    let node = RedisNode(connector: connector, group: group, notice: notice, logger: logger, metrics: metrics)
    self.node = node
    let eventLoop = group.next()
    let configuration = connector.configuration
    let proof = SubscriptionProof(
      channel: { "\(configuration.probePrefix):probe:\(UInt64.random(in: 0...UInt64.max))" },
      link: { node.link(waits: false, on: eventLoop) })
    subscriber = SubscriberReference(
      eventLoop: eventLoop, connector: connector, proof: configuration.provesSubscriptions ? proof : nil,
      notice: notice, logger: logger, metrics: metrics)
    replicas =
      countsReplicas
      ? ReplicaWatchReference(
        ReplicaWatch(eventLoop: eventLoop, link: node.link(waits: false, on: eventLoop)), on: eventLoop) : nil
  }

  func start() throws(RedisError) {
    node.start()
    subscriber.start()
    replicas?.start()
  }

  func stop() async {
    await replicas?.stop()
    await node.stop()
    await subscriber.stop()
  }

  func link(
    forKey key: String?, waits: Bool, on eventLoop: any EventLoop
  ) throws(RedisError) -> CommandLinkReference {
    node.link(waits: waits, on: eventLoop)
  }

  func subscribe(
    to channel: String, within limit: TimeAmount?, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription {
    try await subscriber.subscribe(to: channel, within: limit, onEvent: onEvent)
  }
}

/// A configuration that cannot work: everything answers with the reason. Immutable and Sendable.
struct UnusableTopology: RedisTopology {
  let reason: RedisError

  func start() throws(RedisError) { throw reason }

  func stop() async {}

  func link(
    forKey key: String?, waits: Bool, on eventLoop: any EventLoop
  ) throws(RedisError) -> CommandLinkReference {
    throw reason
  }

  func subscribe(
    to channel: String, within limit: TimeAmount?, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription { throw reason }
}

/// The links to one server for each event loop of the group. Immutable and Sendable.
///
/// `WAIT` blocks a connection until replicas have confirmed or its time is over. With replicated durability the writes that
/// wait have connections of their own, so that a replica that hangs holds up nothing else.
struct RedisNode: Sendable {
  private let place: RedisPlace
  private let links: LinkPerLoop
  private let waitingLinks: LinkPerLoop?

  init(
    connector: RedisConnector, group: any EventLoopGroup, notice: DemotionNotice, logger: Logger, metrics: RedisMetrics
  ) {
    func makeLinks() -> LinkPerLoop {
      LinkPerLoop(group) { eventLoop in
        CommandLinkReference(
          eventLoop: eventLoop, connector: connector, notice: notice, logger: logger, metrics: metrics)
      }
    }
    place = connector.place
    links = makeLinks()
    waitingLinks = connector.configuration.durability.barrier == nil ? nil : makeLinks()
  }

  func start() {
    links.start()
    waitingLinks?.start()
  }

  func stop() async {
    await links.stop()
    await waitingLinks?.stop()
  }

  /// Lets the commands under way end, and takes no more.
  func retire(_ reason: RedisError) {
    links.retire(reason)
    waitingLinks?.retire(reason)
  }

  /// Witnesses count that many replicas of it.
  func told(replicas: Int) { place.replicas.told(replicas) }

  func link(waits: Bool, on eventLoop: any EventLoop) -> CommandLinkReference {
    waits ? (waitingLinks ?? links)[eventLoop] : links[eventLoop]
  }
}

/// One link for each event loop of a group. Immutable and Sendable.
private struct LinkPerLoop: Sendable {
  private let links: [ObjectIdentifier: CommandLinkReference]
  private let first: CommandLinkReference

  init(_ group: any EventLoopGroup, makeLink: (any EventLoop) -> CommandLinkReference) {
    let all = group.makeIterator().map { (ObjectIdentifier($0), makeLink($0)) }
    links = Dictionary(all) { link, _ in link }
    // A group has at least one loop; an exotic one that does not list it still hands one out.
    first = all.first?.1 ?? makeLink(group.next())
  }

  subscript(eventLoop: any EventLoop) -> CommandLinkReference { links[ObjectIdentifier(eventLoop)] ?? first }

  func start() {
    for link in links.values { link.start() }
    if links.isEmpty { first.start() }
  }

  func retire(_ reason: RedisError) {
    for link in links.values { link.retire(reason) }
    if links.isEmpty { first.retire(reason) }
  }

  func stop() async {
    for link in links.values { await link.stop() }
    if links.isEmpty { await first.stop() }
  }
}
