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
  func link(forKey key: String?, on eventLoop: any EventLoop) throws(RedisError) -> CommandLinkReference

  /// The subscriptions of the server that has the channel.
  func subscriber(forChannel channel: String) throws(RedisError) -> SubscriberReference
}

/// One server for everything. Immutable and Sendable.
struct StandaloneTopology: RedisTopology {
  private let node: RedisNode
  private let subscriber: SubscriberReference

  init(connector: RedisConnector, group: any EventLoopGroup, logger: Logger, metrics: RedisMetrics) {
    node = RedisNode(connector: connector, group: group, logger: logger, metrics: metrics)
    subscriber = SubscriberReference(eventLoop: group.next(), connector: connector, logger: logger, metrics: metrics)
  }

  func start() throws(RedisError) {
    node.start()
    subscriber.start()
  }

  func stop() async {
    await node.stop()
    await subscriber.stop()
  }

  func link(forKey key: String?, on eventLoop: any EventLoop) throws(RedisError) -> CommandLinkReference {
    node.link(on: eventLoop)
  }

  func subscriber(forChannel channel: String) throws(RedisError) -> SubscriberReference { subscriber }
}

/// A configuration that cannot work: everything answers with the reason. Immutable and Sendable.
struct UnusableTopology: RedisTopology {
  let reason: RedisError

  func start() throws(RedisError) { throw reason }

  func stop() async {}

  func link(forKey key: String?, on eventLoop: any EventLoop) throws(RedisError) -> CommandLinkReference {
    throw reason
  }

  func subscriber(forChannel channel: String) throws(RedisError) -> SubscriberReference { throw reason }
}

/// The links to one server, one for each event loop of the group. Immutable and Sendable.
struct RedisNode: Sendable {
  private let links: [ObjectIdentifier: CommandLinkReference]
  private let first: CommandLinkReference

  init(connector: RedisConnector, group: any EventLoopGroup, logger: Logger, metrics: RedisMetrics) {
    func makeLink(_ eventLoop: any EventLoop) -> CommandLinkReference {
      CommandLinkReference(eventLoop: eventLoop, connector: connector, logger: logger, metrics: metrics)
    }
    let all = group.makeIterator().map { (ObjectIdentifier($0), makeLink($0)) }
    links = Dictionary(all) { link, _ in link }
    // A group has at least one loop; an exotic one that does not list it still hands one out.
    first = all.first?.1 ?? makeLink(group.next())
  }

  func start() {
    for link in links.values { link.start() }
    if links.isEmpty { first.start() }
  }

  func stop() async {
    for link in links.values { await link.stop() }
    if links.isEmpty { await first.stop() }
  }

  func link(on eventLoop: any EventLoop) -> CommandLinkReference { links[ObjectIdentifier(eventLoop)] ?? first }
}
