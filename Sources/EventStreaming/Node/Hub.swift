import Logging
import NIOCore

/// This loop's open streams, by session, and their heartbeats. Bound to one event loop.
final class Hub {
  private let eventLoop: any EventLoop
  private let settings: StreamSettings
  private let source: any SessionEventReader
  private let work: StreamWork
  private let metrics: StreamMetrics
  private let logger: Logger
  private var feeds: [String: SessionFeed] = [:]
  private var connections: ContiguousArray<StreamConnection> = []
  private var timers: [RepeatedTask] = []
  /// Set once the node drains.
  private var drainWindow: TimeAmount?

  init(
    eventLoop: any EventLoop, settings: StreamSettings, source: any SessionEventReader, work: StreamWork,
    metrics: StreamMetrics, logger: Logger
  ) {
    self.eventLoop = eventLoop
    self.settings = settings
    self.source = source
    self.work = work
    self.metrics = metrics
    self.logger = logger
  }

  /// Starts the two timers all streams of the loop share.
  func start() {
    let hub = NIOLoopBound(self, eventLoop: eventLoop)
    let heartbeat = TimeAmount(settings.heartbeat)
    timers.append(
      eventLoop.scheduleRepeatedTask(initialDelay: heartbeat, delay: heartbeat) { _ in hub.value.heartbeat() })
    let comparison = TimeAmount(settings.comparison)
    timers.append(
      eventLoop.scheduleRepeatedTask(
        initialDelay: comparison, delay: comparison, maximumAllowableJitter: .nanoseconds(comparison.nanoseconds / 5),
        notifying: nil
      ) { _ in hub.value.compare() })
  }

  func stop() {
    for timer in timers { timer.cancel() }
    timers = []
  }

  /// A feed of the session, held once more, and when it can be relied on.
  func hold(_ sessionID: String) -> (feed: SessionFeed, ready: EventLoopFuture<Void>) {
    let feed =
      feeds[sessionID]
      ?? SessionFeed(
        sessionID: sessionID, eventLoop: eventLoop, source: source, heldBytes: settings.bufferBytes, work: work,
        metrics: metrics, logger: logger)
    feeds[sessionID] = feed
    return (feed, feed.hold())
  }

  /// Gives a hold back.
  func release(_ feed: SessionFeed) {
    if feed.release() || feed.isFinished { forget(feed) }
  }

  /// The next one who asks gets a new feed.
  private func forget(_ feed: SessionFeed) {
    if feeds[feed.sessionID] === feed { feeds[feed.sessionID] = nil }
  }

  private func heartbeat() {
    var bytes = ByteBuffer()
    ServerFrames.writeHeartbeat(into: &bytes)
    var beat = SharedBytes(bytes)
    for connection in connections { connection.heartbeat(&beat) }
  }

  private func compare() {
    for feed in feeds.values { feed.suspect() }
  }

  /// Ends all streams, spread over a time so that their clients do not reconnect elsewhere at once.
  func drain(over window: TimeAmount) {
    drainWindow = window
    for connection in connections { end(connection, within: window) }
  }

  /// A connection's streams have begun. One that was admitted before the drain and begins after it ends like the others.
  func began(_ connection: StreamConnection) {
    connection.slot = connections.count
    connections.append(connection)
    if let drainWindow { end(connection, within: drainWindow) }
  }

  /// A connection's streams are over.
  func ended(_ connection: StreamConnection) {
    guard let slot = connection.slot, let last = connections.popLast() else { return }
    connection.slot = nil
    guard last !== connection else { return }
    connections[slot] = last
    last.slot = slot
  }

  private func end(_ connection: StreamConnection, within window: TimeAmount) {
    let connection = NIOLoopBound(connection, eventLoop: eventLoop)
    let delay = TimeAmount.nanoseconds(.random(in: 0...max(0, window.nanoseconds)))
    let retry = settings.retry * Double.random(in: 1...2)
    eventLoop.scheduleTask(in: delay) {
      var frame = ByteBuffer()
      ServerFrames.writeRetry(retry, into: &frame)
      connection.value.finish(.drained, lastFrame: frame)
    }
  }
}
