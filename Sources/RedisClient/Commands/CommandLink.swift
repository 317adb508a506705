internal import CoreMetrics
internal import DequeModule
internal import Logging
internal import NIOCore

/// The commands' way to one server on one event loop: the connection, and those who wait while there is none.
///
/// Confined to its event loop; other threads reach it through `CommandLinkReference`.
final class CommandLink {
  private struct Waiting {
    let request: RedisRequest
    let ticket: CommandTicket
    let deadline: NIODeadline
    let bytes: Int
  }

  private let eventLoop: any EventLoop
  private let configuration: RedisClientConfiguration
  private let place: RedisPlace
  private let onShortfall: @Sendable () -> Void
  private let metrics: RedisMetrics
  private let reconnector: Reconnector<CommandConnection>
  private var waiting: Deque<Waiting> = []
  private var waitingBytes = 0
  private var timer: Scheduled<Void>?

  private let notice: DemotionNotice

  init(
    eventLoop: any EventLoop, connector: RedisConnector, notice: DemotionNotice, logger: Logger, metrics: RedisMetrics
  ) {
    let configuration = connector.configuration
    self.eventLoop = eventLoop
    self.configuration = configuration
    self.notice = notice
    place = connector.place
    onShortfall = connector.onShortfall
    self.metrics = metrics
    reconnector = Reconnector(eventLoop: eventLoop, connector: connector, logger: logger, metrics: metrics) {
      CommandConnection(configuration, place: connector.place, replicas: $0, metrics: metrics)
    }
  }

  func start() {
    // A cycle on purpose, until `stop()`: connections of a link must not outlive it.
    reconnector.onConnected = { connection in
      connection.onDemotion = { reason in self.notice.post(.demoted(at: self.eventLoop.now, reason)) }
      connection.onShortfall = self.onShortfall
      self.sendWaiting(on: connection)
    }
    reconnector.start()
  }

  /// Replaces the connection if it was made before its server was found not to be the primary, or when another one is.
  func leave(_ finding: DemotionNotice.Finding) {
    switch finding {
    case .demoted(let found, let reason):
      guard let connection = reconnector.connection, !connection.isRetired, reconnector.connectedAt <= found else {
        return
      }
      reconnector.wasDemoted()
      connection.retire(reason)
    case .moved(let reason):
      // What is under way there may still be answered; whatever comes next goes to the new server.
      guard let connection = reconnector.serverMoved() else { return }
      connection.onDemotion = nil
      connection.retire(reason)
    }
  }

  /// Ends once the commands under way have their answers; whatever comes is refused at once, and can be sent elsewhere.
  func retire(_ reason: RedisError) {
    if let connection = reconnector.serverMoved() {
      connection.onDemotion = nil
      connection.retire(reason)
    }
    _ = stop(closing: false)
  }

  func stop(closing: Bool = true) -> EventLoopFuture<Void> {
    let future = reconnector.stop(closing: closing)
    reconnector.onConnected = { _ in }
    expire(upTo: .distantFuture)
    return future
  }

  /// Sends a request now, or as soon as there is a connection; its ticket is always answered.
  func submit(_ request: RedisRequest, _ ticket: CommandTicket) {
    if let connection = reconnector.connection, !connection.isRetired {
      connection.submit(request, ticket)
      return
    }
    guard !reconnector.isStopped else {
      ticket.fail(.shutDown)
      return
    }
    let bytes = request.sizeBound
    guard waiting.count < configuration.maximumCommandsInFlight,
      waitingBytes + bytes <= configuration.maximumBytesInFlight
    else {
      metrics.refusals.increment()
      ticket.fail(.overloaded(count: waiting.count, bytes: waitingBytes))
      return
    }
    let deadline = eventLoop.now + TimeAmount(configuration.connectionWait)
    waiting.append(Waiting(request: request, ticket: ticket, deadline: deadline, bytes: bytes))
    waitingBytes += bytes
    if timer == nil { schedule(at: deadline) }
  }

  private func sendWaiting(on connection: CommandConnection) {
    timer?.cancel()
    timer = nil
    let ready = waiting
    waiting.removeAll()
    waitingBytes = 0
    for item in ready { connection.submit(item.request, item.ticket) }
  }

  private func schedule(at deadline: NIODeadline) {
    timer = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      self.timer = nil
      self.expire(upTo: self.eventLoop.now)
    }
  }

  private func expire(upTo now: NIODeadline) {
    while let first = waiting.first, first.deadline <= now {
      waiting.removeFirst()
      waitingBytes -= first.bytes
      first.ticket.fail(reconnector.isStopped ? .shutDown : noConnection)
    }
    if let first = waiting.first { schedule(at: first.deadline) }
  }

  private var noConnection: RedisError {
    RedisError(
      code: .unavailable,
      message: reconnector.latestFailure?.message
        ?? "Redis at \(place) did not take a connection within \(configuration.connectionWait).",
      mayHaveRun: false)
  }
}

/// A `CommandLink` as other threads see it. Sendable: it touches the link only on the link's event loop.
struct CommandLinkReference: Sendable {
  let eventLoop: any EventLoop
  /// Where its server is.
  let place: RedisPlace
  private let link: NIOLoopBoundBox<CommandLink>

  init(
    eventLoop: any EventLoop, connector: RedisConnector, notice: DemotionNotice, logger: Logger, metrics: RedisMetrics
  ) {
    self.eventLoop = eventLoop
    place = connector.place
    let link = NIOLoopBoundBox<CommandLink>.makeBoxSendingValue(
      CommandLink(eventLoop: eventLoop, connector: connector, notice: notice, logger: logger, metrics: metrics),
      eventLoop: eventLoop)
    self.link = link
    notice.addListener { finding in eventLoop.execute { link.value.leave(finding) } }
  }

  func start() {
    eventLoop.execute { link.value.start() }
  }

  func stop() async {
    try? await eventLoop.flatSubmit { link.value.stop() }.get()
  }

  /// Lets the commands under way end, and takes no more.
  func retire(_ reason: RedisError) { eventLoop.execute { link.value.retire(reason) } }

  /// Asks Redis; from the link's own event loop without a hop.
  func perform(_ request: RedisRequest) async throws(RedisError) -> RedisValue {
    let answer = await withUnsafeContinuation { (continuation: UnsafeContinuation<CommandTicket.Answer, Never>) in
      let ticket = CommandTicket(.task(continuation), fallback: request.fallback)
      if eventLoop.inEventLoop {
        link.value.submit(request, ticket)
      } else {
        eventLoop.execute { link.value.submit(request, ticket) }
      }
    }
    return try answer.get()
  }

  /// Asks Redis and returns at once.
  ///
  /// - Parameter done: called with the answer on the link's event loop.
  func post(_ command: RedisCommand, _ done: @escaping @Sendable (CommandTicket.Answer) -> Void) {
    let promise = eventLoop.makePromise(of: CommandTicket.Answer.self)
    promise.futureResult.whenSuccess(done)
    eventLoop.execute { link.value.submit(.command(command), CommandTicket(.promise(promise))) }
  }

  /// The same, but given up at a deadline of the caller's own; the command itself is not taken back.
  func perform(_ request: RedisRequest, until deadline: NIODeadline) async throws(RedisError) -> RedisValue {
    let promise = eventLoop.makePromise(of: CommandTicket.Answer.self)
    eventLoop.execute { link.value.submit(request, CommandTicket(.promise(promise), fallback: request.fallback)) }
    return try await eventLoop.answer(of: promise, until: deadline)
  }
}

extension EventLoop {
  /// Waits for a promise, but no longer than until the deadline.
  func answer<Value: Sendable>(
    of promise: EventLoopPromise<Result<Value, RedisError>>, until deadline: NIODeadline
  ) async throws(RedisError) -> Value {
    let timeout = scheduleTask(deadline: deadline) {
      promise.succeed(.failure(RedisError(code: .timedOut, message: "It took too long.", mayHaveRun: true)))
    }
    defer { timeout.cancel() }
    do {
      return try await promise.futureResult.get().get()
    } catch let error as RedisError {
      throw error
    } catch {
      // Only when the event loop itself is shut down.
      throw .shutDown
    }
  }
}

extension RedisError {
  static var shutDown: RedisError {
    RedisError(code: .unavailable, message: "The Redis client is shut down.", mayHaveRun: false)
  }
}
