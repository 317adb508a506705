internal import Atomics
public import Logging
public import NIOCore
public import RedisClient
public import SharedSessions

/// This node's open streams. Sendable: what changes is bound to event loops or behind the registry's mutex.
///
/// One hub for each event loop, one subscription for each session on a loop. Every stream of a session gets the same
/// bytes; a slow one is cut off and never slows the others.
public final class EventStreams: Sendable {
  let settings: StreamSettings
  let source: any SessionEventReader
  let metrics: StreamMetrics
  private let jitter: @Sendable (ClosedRange<Double>) -> Double
  private let presence: any StreamPresence
  private let reporter: PresenceReporter
  private let registry: StreamRegistry
  private let work = StreamWork()
  private let hubs: [ObjectIdentifier: NIOLoopBoundBox<Hub>]
  private let logger: Logger

  /// Makes the hubs.
  ///
  /// - Parameters:
  ///   - eventLoopGroup: the group whose loops the connections belong to.
  ///   - presence: is told how many streams each participant has on this node.
  ///   - jitter: a random number of a range.
  public init(
    settings: StreamSettings, source: any SessionEventReader, presence: any StreamPresence,
    eventLoopGroup: any EventLoopGroup,
    jitter: @escaping @Sendable (ClosedRange<Double>) -> Double = EventStreams.random,
    logger: Logger
  ) {
    self.settings = settings
    self.jitter = jitter
    self.source = source
    self.presence = presence
    self.logger = logger
    self.metrics = StreamMetrics()
    let registry = StreamRegistry(
      perNode: settings.streamsPerNode, perParticipant: settings.streamsPerParticipant)
    self.registry = registry
    self.reporter = PresenceReporter(presence: presence, work: work, debounce: settings.presenceDebounce) { key in
      registry.streams(of: key)
    }
    var hubs: [ObjectIdentifier: NIOLoopBoundBox<Hub>] = [:]
    for loop in eventLoopGroup.makeIterator() {
      let hub = Hub(
        eventLoop: loop, settings: settings, source: source, work: work, metrics: metrics, logger: logger)
      hubs[ObjectIdentifier(loop)] = NIOLoopBoundBox.makeBoxSendingValue(hub, eventLoop: loop)
    }
    self.hubs = hubs
  }

  /// Makes the hubs for the domain's events and presence in Redis.
  public convenience init(
    settings: StreamSettings, domain: SharedSessionsDomain, redis: RedisClient, eventLoopGroup: any EventLoopGroup,
    jitter: @escaping @Sendable (ClosedRange<Double>) -> Double = EventStreams.random, logger: Logger
  ) {
    self.init(
      settings: settings, source: RedisEventReader(redis: redis, log: domain.events),
      presence: StoredPresence(store: domain.presence, logger: logger), eventLoopGroup: eventLoopGroup, jitter: jitter,
      logger: logger)
  }

  /// Keeps the timers and does the hubs' work until the task is cancelled.
  public func run() async {
    for hub in hubs.values { hub.eventLoop.execute { hub.value.start() } }
    await work.run()
    for hub in hubs.values { hub.eventLoop.execute { hub.value.stop() } }
  }

  /// Streams open on this node.
  public var openStreams: Int { registry.total }

  /// A number of a range from the system's generator.
  @Sendable public static func random(in range: ClosedRange<Double>) -> Double { .random(in: range) }

  /// How long the next client is asked to wait before it reconnects: half to one and a half of what is configured, so that
  /// the clients of a node that dies do not all return in the same moment.
  public func nextRetry() -> Duration { settings.retry * jitter(0.5...1.5) }

  /// Opens a stream of one session for a caller who is allowed to. The caller must call `close()` on what it gets,
  /// whatever happens.
  ///
  /// - Parameters:
  ///   - types: the events it is for; nil for all.
  ///   - eventLoop: the loop of the stream's connection.
  /// - Throws: `StreamRefusal`; whatever the event source throws when Redis cannot be reached.
  public func open(
    _ request: StreamRequest, types: EventTypeFilter? = nil, on eventLoop: any EventLoop
  ) async throws -> OpenStream {
    OpenStream(
      parts: [.admitted(try await admit(request, on: eventLoop))], isCombined: false, types: types,
      eventLoop: eventLoop, streams: self)
  }

  /// Puts the streams of several sessions on one connection. The caller must call `close()` on what it gets, whatever
  /// happens.
  ///
  /// - Parameters:
  ///   - parts: the sessions in the order they were asked for, at least one of them admitted on the same event loop.
  ///   - types: the events it is for; nil for all.
  ///   - eventLoop: the loop of the connection.
  public func combine(
    _ parts: [StreamPart], types: EventTypeFilter? = nil, on eventLoop: any EventLoop
  ) -> OpenStream {
    for case .refused in parts { metrics.sessionRefused() }
    return OpenStream(parts: parts, isCombined: true, types: types, eventLoop: eventLoop, streams: self)
  }

  /// Admits a caller who is allowed to: counts the stream, follows the session's live events, and finds the place to
  /// start from. Whoever gets it must hand it to `combine` or close it.
  ///
  /// - Parameter eventLoop: the loop of the stream's connection.
  /// - Throws: `StreamRefusal`; whatever the event source throws when Redis cannot be reached.
  public func admit(_ request: StreamRequest, on eventLoop: any EventLoop) async throws -> AdmittedStream {
    guard let hub = hubs[ObjectIdentifier(eventLoop)] else { preconditionFailure("A loop of another group") }
    let key = StreamRegistry.Key(sessionID: request.sessionID, participantID: request.participantID)
    do {
      try await enter(key, elsewhere: request.streamsElsewhere)
    } catch {
      metrics.refused()
      throw error
    }
    reporter.changed(key)
    let (feed, ready) = try await eventLoop.submit {
      let (feed, ready) = hub.value.hold(request.sessionID)
      return (NIOLoopBound(feed, eventLoop: eventLoop), ready)
    }.get()
    let close: @Sendable () -> Void = { [registry, reporter] in
      registry.leave(key)
      reporter.changed(key)
      eventLoop.execute { hub.value.release(feed.value) }
    }
    do {
      try await ready.get()
      let (start, reset) = try await place(request)
      if reset != nil { metrics.reset() }
      metrics.opened()
      return AdmittedStream(
        request: request, start: start, reset: reset, feed: feed, metrics: metrics, onClose: close)
    } catch {
      close()
      throw error
    }
  }

  /// Counts a stream. Whether the other nodes of the participant's streams are alive is only asked when it matters.
  private func enter(_ key: StreamRegistry.Key, elsewhere: [String: Int]) async throws {
    let all = elsewhere.values.reduce(0, +)
    do throws(StreamRefusal) {
      try registry.enter(key, elsewhere: all)
    } catch {
      guard case .participantLimit = error, all > 0 else { throw error }
      let living = try await presence.living(elsewhere)
      guard living < all else { throw error }
      try registry.enter(key, elsewhere: living)
    }
  }

  /// Counts a stream that waits for Redis, of which nobody knows yet whose it is.
  ///
  /// - Returns: what takes it back; more than once does nothing.
  /// - Throws: `StreamRefusal` when the node has as many streams as it may have, or is draining.
  public func wait() throws -> @Sendable () -> Void {
    do throws(StreamRefusal) {
      try registry.enterWaiting()
    } catch {
      metrics.refused()
      throw error
    }
    metrics.waiting()
    let isOver = ManagedAtomic(false)
    return { [registry, metrics] in
      guard !isOver.exchange(true, ordering: .relaxed) else { return }
      registry.leaveWaiting()
      metrics.waited()
    }
  }

  /// Ends all streams within a time, each at a random moment of it, and refuses new ones.
  public func drain(within window: Duration) {
    registry.drain()
    for hub in hubs.values { hub.eventLoop.execute { hub.value.drain(over: TimeAmount(window)) } }
  }

  /// A connection's streams write from now on; called on its loop.
  func began(_ connection: StreamConnection, on eventLoop: any EventLoop) {
    hubs[ObjectIdentifier(eventLoop)]?.value.began(connection)
  }

  /// A connection's streams are over; called on its loop.
  func ended(_ connection: StreamConnection, on eventLoop: any EventLoop) {
    hubs[ObjectIdentifier(eventLoop)]?.value.ended(connection)
  }

  /// Where the stream starts, and why that is not where the client asked for.
  private func place(_ request: StreamRequest) async throws -> (EventID, StreamReset?) {
    switch request.start {
    case .live: return (request.authorized, nil)
    case .earliest: return (.zero, nil)
    case .after(let cursor):
      guard let id = EventID(cursor) else { return (request.authorized, .malformed) }
      // What nobody could have seen yet is no place to start from: events before it may change what the client may see.
      guard id > .zero, id <= request.authorized else { return (request.authorized, .unknown) }
      let isKnown = try await source.page(of: request.sessionID, after: id, limit: 1).isCursorKnown
      return isKnown ? (id, nil) : (request.authorized, .unknown)
    }
  }
}
