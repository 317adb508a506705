internal import CoreMetrics
internal import Logging
internal import NIOCore
internal import Observability
internal import RedisWire

/// Keeps what is known of a cluster true by asking its nodes. Confined to its event loop.
///
/// Decisions are made by `ClusterView`; other threads reach this through `ClusterWatchReference`.
final class ClusterWatch {
  private let eventLoop: any EventLoop
  private let configuration: RedisClientConfiguration
  private let connector: RedisConnector
  private let logger: Logger
  private let metrics: RedisMetrics
  private var view: ClusterView
  private var timer: Scheduled<Void>?
  private var isStopped = false
  /// Whether a round was begun since the last one ended.
  private var hasAsked = false
  /// Those who wait for the end of a round.
  private var waiting: [EventLoopPromise<Void>] = []
  /// Called on the event loop when slots are spread in another way.
  var onTable: (SlotTable) -> Void = { _ in }
  /// Called on the event loop when primaries have more or fewer replicas than before.
  var onReplicas: ([RedisEndpoint: Int]) -> Void = { _ in }
  /// Called on the event loop with the reason why nothing is known.
  var onExplanation: (String) -> Void = { _ in }

  /// How long a node may take to connect, and how long to answer.
  private static let patience = Duration.seconds(2)

  /// - Throws: `RedisError` when the certificates to trust cannot be read.
  init(
    eventLoop: any EventLoop, seeds: [RedisEndpoint], configuration: RedisClientConfiguration, logger: Logger,
    metrics: RedisMetrics
  ) throws(RedisError) {
    self.eventLoop = eventLoop
    self.configuration = configuration
    self.logger = logger
    self.metrics = metrics
    let own = RedisQuestion.configuration(configuration, within: Self.patience)
    connector = try RedisConnector(own, place: RedisPlace(unknown: "No node was named."))
    view = ClusterView(
      seeds: seeds, interval: TimeAmount(configuration.clusterLook),
      countsReplicas: configuration.durability.countsReplicas)
  }

  func start() { look() }

  func stop() {
    isStopped = true
    timer?.cancel()
    release()
    onTable = { _ in }
    onReplicas = { _ in }
    onExplanation = { _ in }
  }

  /// There is a reason to ask.
  func look() { perform(view.look(now: eventLoop.now)) }

  /// A command was sent on for good.
  func moved(_ slot: Int, to owner: RedisEndpoint) { perform(view.moved(slot, to: owner, now: eventLoop.now)) }

  /// Asks, and succeeds at the end of the round.
  func nextRound() -> EventLoopFuture<Void> {
    guard !isStopped else { return eventLoop.makeSucceededVoidFuture() }
    let promise = eventLoop.makePromise(of: Void.self)
    waiting.append(promise)
    look()
    return promise.futureResult
  }

  private func release() {
    hasAsked = false
    let ready = waiting
    waiting = []
    for promise in ready { promise.succeed() }
  }

  private func perform(_ actions: [ClusterView.Action]) {
    guard !isStopped else { return }
    for action in actions {
      switch action {
      case .ask(let nodes, let round): ask(nodes, round)
      case .wake(let time):
        timer?.cancel()
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: time) {
          self.perform(self.view.wake(now: self.eventLoop.now))
        }
      case .adopt(let table):
        metrics.primaryMoves.increment()
        logger.info(
          "redis cluster is laid out anew",
          metadata: [LogKey.redisPrimary: "\(table.primaries.map(\.description).joined(separator: ","))"])
        onTable(table)
      case .replicas(let counts): onReplicas(counts)
      case .explain(let reason): onExplanation(reason)
      }
    }
    if !view.isAsking, hasAsked { release() }
  }

  private func ask(_ nodes: [RedisEndpoint], _ round: Int) {
    metrics.looks.increment()
    hasAsked = true
    timer?.cancel()
    timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(Self.patience)) {
      self.perform(self.view.timedOut(round: round, now: self.eventLoop.now))
    }
    for node in nodes {
      ask(node) { answer in
        self.perform(self.view.answered(node, round: round, answer, now: self.eventLoop.now))
      }
    }
  }

  private func ask(_ node: RedisEndpoint, _ done: @escaping (Result<ClusterAnswer, RedisError>) -> Void) {
    let connector = connector.connector(to: node)
    let addresses = ClusterAnswer.Addresses(
      asked: node, encrypted: configuration.tls != nil, reachedAt: configuration.reachedAt)
    let shards = RedisCommand("CLUSTER", "SHARDS")
    RedisQuestion.ask([shards], connector, metrics, on: eventLoop).assumeIsolated().whenComplete { result in
      switch result {
      case .failure(let error): done(.failure(error as? RedisError ?? .shutDown))
      case .success(let replies):
        if let answer = ClusterAnswer(shards: replies[0], addresses) { return done(.success(answer)) }
        // Before Redis 7, and with some proxies, there is only the older command.
        let slots = RedisCommand("CLUSTER", "SLOTS")
        RedisQuestion.ask([slots], connector, self.metrics, on: self.eventLoop).assumeIsolated().whenComplete {
          result in
          done(
            result.mapError { $0 as? RedisError ?? .shutDown }.flatMap { replies in
              ClusterAnswer(slots: replies[0], addresses).map { .success($0) }
                ?? .failure(Self.noAnswer(node, replies[0]))
            })
        }
      }
    }
  }

  private static func noAnswer(_ node: RedisEndpoint, _ reply: RedisValue) -> RedisError {
    .unusable("Redis at \(node) does not tell about a cluster: \(reply.errorMessage ?? reply.kindDescription)")
  }
}

/// A `ClusterWatch` as other threads see it. Sendable: it touches the watch only on the watch's event loop.
struct ClusterWatchReference: Sendable {
  let eventLoop: any EventLoop
  private let watch: NIOLoopBoundBox<ClusterWatch>

  init(_ watch: sending ClusterWatch, on eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    self.watch = NIOLoopBoundBox.makeBoxSendingValue(watch, eventLoop: eventLoop)
  }

  func start(
    onTable: @escaping @Sendable (SlotTable) -> Void,
    onReplicas: @escaping @Sendable ([RedisEndpoint: Int]) -> Void,
    onExplanation: @escaping @Sendable (String) -> Void
  ) {
    eventLoop.execute {
      watch.value.onTable = onTable
      watch.value.onReplicas = onReplicas
      watch.value.onExplanation = onExplanation
      watch.value.start()
    }
  }

  func look() { eventLoop.execute { watch.value.look() } }

  func moved(_ slot: Int, to owner: RedisEndpoint) { eventLoop.execute { watch.value.moved(slot, to: owner) } }

  /// Asks, and returns at the end of the round.
  func nextRound() async { try? await eventLoop.flatSubmit { watch.value.nextRound() }.get() }

  func stop() async { try? await eventLoop.submit { watch.value.stop() }.get() }
}
