internal import CoreMetrics
internal import Logging
internal import NIOCore
internal import Observability
internal import RedisWire

/// Keeps the place of a primary true by asking its Sentinels. Confined to its event loop.
///
/// Decisions are made by `SentinelView`; other threads reach this through `SentinelWatchReference`.
final class SentinelWatch {
  private let eventLoop: any EventLoop
  private let configuration: RedisClientConfiguration
  private let name: String
  private let connectors: [RedisConnector]
  private let place: RedisPlace
  private let notice: DemotionNotice
  private let logger: Logger
  private let metrics: RedisMetrics
  private var view: SentinelView
  private var news: [SentinelNews] = []
  private var timer: Scheduled<Void>?
  private var isStopped = false

  /// How long a Sentinel may take to connect, and how long to answer.
  private static let patience = Duration.seconds(2)

  /// - Parameter place: where the primary is; changed as the Sentinels say.
  /// - Throws: `RedisError` when the certificates to trust cannot be read.
  init(
    eventLoop: any EventLoop, sentinels: [RedisEndpoint], name: String, configuration: RedisClientConfiguration,
    place: RedisPlace, notice: DemotionNotice, logger: Logger, metrics: RedisMetrics
  ) throws(RedisError) {
    self.eventLoop = eventLoop
    self.configuration = configuration
    self.name = name
    self.place = place
    self.notice = notice
    self.logger = logger
    self.metrics = metrics
    var own = RedisQuestion.configuration(configuration, within: Self.patience)
    own.username = configuration.sentinelLogin?.username
    own.password = configuration.sentinelLogin?.password
    own.database = 0
    var connectors: [RedisConnector] = []
    for sentinel in sentinels { connectors.append(try RedisConnector(own, endpoint: sentinel)) }
    self.connectors = connectors
    view = SentinelView(name: name, count: sentinels.count, interval: TimeAmount(configuration.sentinelLook))
  }

  func start() {
    // Cycles on purpose, until `stop()`.
    news = connectors.map { connector in
      SentinelNews(of: name, connector: connector, on: eventLoop, logger: logger, metrics: metrics) { self.look() }
    }
    for listener in news { listener.start() }
    look()
  }

  func stop() -> EventLoopFuture<Void> {
    isStopped = true
    timer?.cancel()
    let stopped = news.map { $0.stop() }
    news = []
    return EventLoopFuture.andAllComplete(stopped, on: eventLoop)
  }

  /// There is a reason to ask.
  func look() { perform(view.look(now: eventLoop.now)) }

  private func perform(_ actions: [SentinelView.Action]) {
    guard !isStopped else { return }
    for action in actions {
      switch action {
      case .ask(let round): ask(round)
      case .wake(let time):
        timer?.cancel()
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: time) {
          self.perform(self.view.wake(now: self.eventLoop.now))
        }
      case .move(let endpoint): move(to: endpoint)
      case .replicas(let count): place.replicas.told(count)
      case .explain(let reason): place.explain(reason)
      }
    }
  }

  private func move(to endpoint: RedisEndpoint) {
    logger.notice(
      "redis primary found", metadata: [LogKey.redisPrimary: "\(name)", LogKey.redisEndpoint: "\(endpoint)"])
    if place.endpoint != nil { metrics.primaryMoves.increment() }
    place.move(to: endpoint)
    notice.post(
      .moved(
        RedisError(
          code: .connectionLost, message: "The Sentinels have named another server as the primary.", mayHaveRun: true)))
  }

  private func ask(_ round: Int) {
    metrics.looks.increment()
    timer?.cancel()
    timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(Self.patience)) {
      self.perform(self.view.timedOut(round: round, now: self.eventLoop.now))
    }
    var questions = [RedisCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", .string(name))]
    if configuration.durability.countsReplicas { questions.append(RedisCommand("SENTINEL", "REPLICAS", .string(name))) }
    for (number, connector) in connectors.enumerated() {
      RedisQuestion.ask(questions, connector, metrics, on: eventLoop).assumeIsolated().whenComplete { result in
        self.perform(
          self.view.answered(number, round: round, self.answer(result), now: self.eventLoop.now))
      }
    }
  }

  private func answer(_ result: Result<[RedisValue], any Error>) -> SentinelView.Answer {
    let count = (try? result.get()).flatMap { $0.count > 1 ? ReplicaCount(sentinel: $0[1]) : nil }
    switch result.map({ $0[0] }) {
    case .failure(let error): return .nothing((error as? RedisError)?.message ?? "\(error)")
    case .success(.null): return .unknown
    case .success(.array(let parts)):
      guard parts.count == 2, let host = parts[0].string, let port = parts[1].integer, !host.isEmpty,
        (1...65_535).contains(port)
      else { return .nothing("it sent an address that is none") }
      let told = RedisEndpoint.host(host, port: port)
      return .primary(configuration.reachedAt[told] ?? told, count)
    case .success(let value): return .nothing(value.errorMessage ?? "it sent \(value.kindDescription)")
    }
  }
}

extension ReplicaCount {
  /// Reads the reply to `SENTINEL REPLICAS`; nil when it is none, such as that the user may not ask.
  ///
  /// A Sentinel keeps naming a replica that is gone; its flags tell. One that is up and has no link to its primary, such as a
  /// former primary that does not know of its successor yet, confirms nothing either. A replica that was just promoted still
  /// counts here: what a Sentinel has heard of its link is from before.
  init?(sentinel reply: RedisValue) {
    guard let replicas = reply.array else { return nil }
    self.init(up: 0, down: 0)
    for replica in replicas {
      guard let fields = replica.fields, let flags = fields["flags"]?.string?.split(separator: ",") else { return nil }
      let isMissing = flags.contains { $0 == "s_down" || $0 == "o_down" || $0 == "disconnected" }
      if !isMissing, fields["master-link-status"]?.string == "ok" { up += 1 } else { down += 1 }
    }
  }
}

/// A `SentinelWatch` as other threads see it. Sendable: it touches the watch only on the watch's event loop.
struct SentinelWatchReference: Sendable {
  private let eventLoop: any EventLoop
  private let watch: NIOLoopBoundBox<SentinelWatch>

  init(_ watch: sending SentinelWatch, on eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    self.watch = NIOLoopBoundBox.makeBoxSendingValue(watch, eventLoop: eventLoop)
  }

  func start() { eventLoop.execute { watch.value.start() } }

  /// There is a reason to ask the Sentinels.
  func look() { eventLoop.execute { watch.value.look() } }

  func stop() async { try? await eventLoop.flatSubmit { watch.value.stop() }.get() }
}
