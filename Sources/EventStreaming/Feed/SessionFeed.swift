import Logging
import NIOCore
import Observability
import RedisClient
import SharedSessions

/// The live events of one session for the streams of that loop. Carries out what `SessionFeedStateMachine` decides.
/// Bound to one event loop.
///
/// What arrives within one turn of the loop is gathered and goes to every stream as one buffer.
final class SessionFeed {
  let sessionID: String
  private let eventLoop: any EventLoop
  private let source: any SessionEventReader
  private let work: StreamWork
  private let metrics: StreamMetrics
  private let logger: Logger

  private var machine: SessionFeedStateMachine
  /// What the counter of dropped events was last told.
  private var reportedDropped = 0
  private let ready: EventLoopPromise<Void>
  private var subscription: (any EventSubscription)?
  private var subscribers: ContiguousArray<StreamSubscription> = []
  private var slots: [ObjectIdentifier: Int] = [:]
  private var pending: [StoredEvent] = []
  private var pendingBytes = 0
  private var isOver = false
  /// Streams that are open or about to open.
  private(set) var holders = 0
  /// Whether it delivers nothing any more, so that whoever comes next needs another feed.
  var isFinished: Bool { isOver }

  /// The pause before a failed read is tried again.
  private static let retryPause = TimeAmount.seconds(1)

  /// What is gathered goes out early beyond so many bytes: a client that stalls must not pin all that comes in one turn.
  private static let mostPendingBytes = 8 << 20

  init(
    sessionID: String, eventLoop: any EventLoop, source: any SessionEventReader, heldBytes: Int, work: StreamWork,
    metrics: StreamMetrics, logger: Logger
  ) {
    self.machine = SessionFeedStateMachine(heldBytes: heldBytes)
    self.sessionID = sessionID
    self.eventLoop = eventLoop
    self.source = source
    self.work = work
    self.metrics = metrics
    self.logger = logger
    self.ready = eventLoop.makePromise()
  }

  // MARK: Holding

  /// Succeeds once everything published from then on reaches this feed; fails when Redis cannot be reached.
  func hold() -> EventLoopFuture<Void> {
    holders += 1
    if holders == 1, subscription == nil, !isOver { begin() }
    return ready.futureResult
  }

  /// Gives one hold back. Without holders the subscription ends; the feed is of no more use then.
  func release() -> Bool {
    holders -= 1
    guard holders == 0 else { return false }
    close()
    return true
  }

  private func close() {
    isOver = true
    subscription?.cancel()
    subscription = nil
  }

  // MARK: Streams

  func add(_ subscriber: StreamSubscription) {
    slots[ObjectIdentifier(subscriber)] = subscribers.count
    subscribers.append(subscriber)
    if isOver { subscriber.finish(.gap) }
  }

  func remove(_ subscriber: StreamSubscription) {
    guard let slot = slots.removeValue(forKey: ObjectIdentifier(subscriber)) else { return }
    let last = subscribers.removeLast()
    if slot < subscribers.count {
      subscribers[slot] = last
      slots[ObjectIdentifier(last)] = slot
    }
  }

  // MARK: Events

  private func begin() {
    let feed = NIOLoopBound(self, eventLoop: eventLoop)
    let runs = work.start { [source, sessionID, eventLoop] in
      do {
        let subscription = try await source.subscribe(to: sessionID) { event in
          eventLoop.execute { feed.value.received(event) }
        }
        eventLoop.execute { feed.value.subscribed(subscription) }
        let tail = try await source.tail(of: sessionID)
        eventLoop.execute { feed.value.started(at: tail) }
      } catch {
        eventLoop.execute { feed.value.failedToStart(error) }
      }
    }
    if !runs { failedToStart(StreamRefusal.draining) }
  }

  private func subscribed(_ subscription: any EventSubscription) {
    if isOver { subscription.cancel() } else { self.subscription = subscription }
  }

  private func started(at position: EventPosition) {
    perform(machine.started(at: position))
    ready.succeed()
  }

  private func failedToStart(_ error: any Error) {
    close()
    ready.fail(error)
  }

  private func received(_ event: RedisSubscriptionEvent) {
    guard !isOver else { return }
    switch event {
    case .message(let bytes):
      guard let event = source.event(bytes, of: sessionID) else { return metrics.unreadableEvent() }
      perform(machine.received(event))
      if machine.dropped > reportedDropped { metrics.droppedHeld(machine.dropped - reportedDropped) }
      reportedDropped = machine.dropped
    case .interrupted: break
    case .restored: suspect()
    }
  }

  /// Compares with Redis: a subscription can go silent without an error.
  func suspect() {
    perform(machine.suspected())
  }

  private func perform(_ action: SessionFeedStateMachine.Action) {
    switch action {
    case .none: break
    case .deliver(let events): deliver(events)
    case .read(let position): read(after: position)
    case .deliverAndRead(let events, let position):
      deliver(events)
      read(after: position)
    case .gap:
      logger.warning(
        "events are gone from redis and streams end to resume", metadata: [LogKey.sharedSessionID: "\(sessionID)"])
      close()
      for subscriber in subscribers { subscriber.finish(.gap) }
    }
  }

  private func deliver(_ events: [StoredEvent]) {
    guard !subscribers.isEmpty, !events.isEmpty else { return }
    let isFirst = pending.isEmpty
    pending += events
    pendingBytes += events.reduce(0) { $0 + $1.data.readableBytes }
    guard pendingBytes <= Self.mostPendingBytes else { return flush() }
    guard isFirst else { return }
    let feed = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.execute { feed.value.flush() }
  }

  private func flush() {
    guard !pending.isEmpty else { return }
    let batch = EventBatch(pending)
    pending = []
    pendingBytes = 0
    var frames = BatchFrames(batch.events)
    for subscriber in subscribers { subscriber.batch(batch, &frames) }
  }

  // MARK: Repair

  private func read(after position: EventPosition) {
    let feed = NIOLoopBound(self, eventLoop: eventLoop)
    metrics.repairing()
    let runs = work.start { [source, sessionID, eventLoop] in
      do {
        let page = try await source.page(of: sessionID, after: position.id, limit: EventLog.pageLimit)
        eventLoop.execute { feed.value.readPage(page) }
      } catch {
        eventLoop.execute { feed.value.readFailed() }
      }
    }
    if !runs { stop() }
  }

  /// The node has stopped: what is missing is not read any more, and the streams resume elsewhere.
  private func stop() {
    close()
    for subscriber in subscribers { subscriber.finish(.drained) }
  }

  private func readPage(_ page: EventPage) {
    guard !isOver else { return }
    metrics.repaired(page.events.count)
    perform(machine.page(page))
  }

  private func readFailed() {
    let feed = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.scheduleTask(in: Self.retryPause) {
      guard !feed.value.isOver else { return }
      feed.value.perform(feed.value.machine.readFailed())
    }
  }
}
