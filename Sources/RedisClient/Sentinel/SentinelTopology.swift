internal import Logging
internal import NIOCore
internal import Synchronization

/// One primary at a time, which Sentinels name. Sendable: immutable, but for the watch that is set once.
final class SentinelTopology: RedisTopology {
  private let primary: StandaloneTopology
  private let watch: SentinelWatchReference
  /// What a failed connection calls; the watch comes after the connector that calls it.
  private final class Trouble: Sendable {
    let watch = Mutex<SentinelWatchReference?>(nil)
    func look() { watch.withLock { $0 }?.look() }
  }

  /// - Throws: `RedisError` when the certificates to trust cannot be read.
  init(
    _ sentinels: [RedisEndpoint], name: String, _ configuration: RedisClientConfiguration, group: any EventLoopGroup,
    logger: Logger, metrics: RedisMetrics
  ) throws(RedisError) {
    let trouble = Trouble()
    let place = RedisPlace(unknown: "The Sentinels were not asked yet who the primary \"\(name)\" is.")
    var connector = try RedisConnector(configuration, place: place)
    connector.onTrouble = { trouble.look() }
    connector.onShortfall = { trouble.look() }
    let notice = DemotionNotice()
    notice.addListener { finding in
      if case .demoted = finding { trouble.look() }
    }
    primary = StandaloneTopology(
      connector: connector, notice: notice, countsReplicas: false, group: group, logger: logger, metrics: metrics)
    let eventLoop = group.next()
    watch = SentinelWatchReference(
      try SentinelWatch(
        eventLoop: eventLoop, sentinels: sentinels, name: name, configuration: configuration, place: place,
        notice: notice, logger: logger, metrics: metrics),
      on: eventLoop)
    trouble.watch.withLock { $0 = watch }
  }

  func start() throws(RedisError) {
    try primary.start()
    watch.start()
  }

  func stop() async {
    await watch.stop()
    await primary.stop()
  }

  func link(
    forKey key: String?, waits: Bool, on eventLoop: any EventLoop
  ) throws(RedisError) -> CommandLinkReference {
    try primary.link(forKey: key, waits: waits, on: eventLoop)
  }

  func subscribe(
    to channel: String, within limit: TimeAmount?, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription {
    try await primary.subscribe(to: channel, within: limit, onEvent: onEvent)
  }
}
