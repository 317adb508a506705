internal import CoreMetrics
internal import NIOCore
internal import RedisWire

/// One connection for commands: encodes them into one buffer, flushes it once per turn of the loop, hands out the replies.
///
/// Confined to the channel's event loop. What belongs to whom is decided by `CommandPipelineStateMachine`.
final class CommandConnection: ChannelInboundHandler, RedisConnection {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let configuration: RedisClientConfiguration
  private let metrics: RedisMetrics
  private let timeout: TimeAmount
  private let barrier: WriteBarrier?
  private let place: RedisPlace
  /// How many replicas the confirmation under way asks for.
  private var neededReplicas = 0
  private let reader: RedisReplyReader
  private var machine: CommandPipelineStateMachine<CommandTicket>
  private var context: ChannelHandlerContext?
  private var outgoing = ByteBuffer()
  private var timer: Scheduled<Void>?
  private var probeTimer: RepeatingTimer?
  private var hasHeardSinceProbe = true
  /// When the server last sent anything.
  private var heardAt = NIODeadline.distantPast
  /// Whether nothing but a probe has no reply: then closing the connection harms nobody.
  private var onlyProbes = false
  /// The batch that is being timed, and how many replies end it.
  private var timedBatch: (start: NIODeadline, repliesLeft: Int)?
  /// What the gauge of commands in flight was last told about this connection.
  private var reportedInFlight = 0
  /// Why the channel is being closed, when that was decided here.
  private var closeReason: RedisError?
  /// Why the connection ends once the commands under way are answered.
  private var retireReason: RedisError?
  var onEnd: ((RedisError) -> Void)?
  /// Called when Redis says that it is not the primary, or not ready, any more.
  var onDemotion: ((RedisError) -> Void)?
  /// Called when fewer replicas than needed have confirmed a write.
  var onShortfall: (() -> Void)?

  /// - Parameter replicas: those of the server that the connection leads to.
  init(_ configuration: RedisClientConfiguration, place: RedisPlace, replicas: KnownReplicas, metrics: RedisMetrics) {
    self.configuration = configuration
    self.place = place
    self.metrics = metrics
    timeout = TimeAmount(configuration.commandTimeout)
    reader = RedisReplyReader(limits: RedisReplyLimits(maximumBytes: configuration.maximumReplyBytes))
    machine = CommandPipelineStateMachine(
      maximumCount: configuration.maximumCommandsInFlight, maximumBytes: configuration.maximumBytesInFlight,
      grace: TimeAmount(configuration.commandTimeout))
    barrier = WriteBarrier(configuration.durability, replicas)
  }

  /// Sends a request; its ticket is answered sooner or later.
  func submit(_ request: RedisRequest, _ ticket: CommandTicket) {
    guard let context, context.channel.isActive, closeReason == nil else {
      ticket.fail(RedisError(code: .unavailable, message: "The connection to Redis has ended.", mayHaveRun: false))
      return
    }
    guard !machine.isFull(adding: request.sizeBound) else {
      metrics.refusals.increment()
      ticket.fail(.overloaded(count: machine.count, bytes: machine.bytesInFlight))
      return
    }
    if request.waitsForReplicas, let refusal = barrier?.refusal(at: place) {
      metrics.unreplicated.increment()
      ticket.fail(refusal)
      return
    }
    onlyProbes = false
    send(request, ticket, context)
  }

  /// Whether it is not to be given any more commands.
  var isRetired: Bool { retireReason != nil }

  /// Ends as soon as the commands under way have their answers; it must not be given any more.
  func retire(_ reason: RedisError) {
    guard retireReason == nil, closeReason == nil else { return }
    retireReason = reason
    endWhenRetired()
  }

  private func endWhenRetired() {
    guard let retireReason, machine.count == 0 else { return }
    end(retireReason)
  }

  func close() { end(RedisError(code: .connectionLost, message: "The Redis client is shut down.", mayHaveRun: true)) }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    outgoing = context.channel.allocator.buffer(capacity: 4096)
    probeTimer = RepeatingTimer(on: context.eventLoop, every: TimeAmount(configuration.probeInterval)) {
      self.probeWhenIdle()
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    hasHeardSinceProbe = true
    heardAt = context.eventLoop.now
    do {
      try reader.read(unwrapInboundIn(data)) { reply in handle(reply, context) }
    } catch {
      end(RedisError(code: .protocolViolation, message: error.description, mayHaveRun: true))
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    reportInFlight()
    endWhenRetired()
    context.fireChannelReadComplete()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(RedisError(code: .connectionLost, message: "The connection to Redis failed: \(error)", mayHaveRun: true))
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    probeTimer?.cancel()
    self.context = nil
    onDemotion = nil
    onShortfall = nil
    let reason =
      closeReason
      ?? RedisError(code: .connectionLost, message: "Redis closed the connection.", mayHaveRun: true)
    for (ticket, mayHaveRun) in machine.close() {
      var error = reason
      error.mayHaveRun = mayHaveRun
      ticket.fail(error)
    }
    reportInFlight()
    onEnd.take()?(reason)
    context.fireChannelInactive()
  }

  private func send(_ request: RedisRequest, _ ticket: CommandTicket, _ context: ChannelHandlerContext) {
    let deadline = context.eventLoop.now + timeout
    var isFirst = false
    if request.asks { isFirst = add(Self.asking, deadline: deadline) }
    let start = outgoing.writerIndex
    request.encode(into: &outgoing)
    let isFirstOfAll = machine.add(
      ticket, bytes: outgoing.writerIndex - start, needsBarrier: barrier != nil && request.waitsForReplicas,
      deadline: deadline)
    // Everything else that runs in this turn of the loop goes out with the same system call.
    if isFirst || isFirstOfAll { context.eventLoop.assumeIsolated().execute { self.flush() } }
    if timer == nil { schedule(at: deadline, context) }
  }

  /// What makes a cluster's node run the next command for a slot that is on its way to it.
  private static let asking = RedisCommand("ASKING")

  /// Sends a command whose reply nobody waits for.
  private func add(_ command: RedisCommand, deadline: NIODeadline) -> Bool {
    let start = outgoing.writerIndex
    CommandEncoder.write(command, into: &outgoing)
    return machine.add(
      CommandTicket(.nobody), bytes: outgoing.writerIndex - start, needsBarrier: false, deadline: deadline)
  }

  private func flush() {
    // One WAIT at a time: what comes meanwhile shares the next. With a replica that hangs they would queue up otherwise, and
    // the last of them time out.
    guard let context, outgoing.readableBytes > 0, !machine.awaitsBarrier else { return }
    if let barrier, machine.prepareFlush(barrierDeadline: context.eventLoop.now + timeout) {
      neededReplicas = barrier.needed
      CommandEncoder.write(barrier.command(neededReplicas), into: &outgoing)
    }
    let size = outgoing.readableBytes
    let batch = outgoing
    // The channel keeps the buffer until it is written, so the next batch needs its own.
    outgoing = context.channel.allocator.buffer(capacity: min(max(size, 1024), 64 << 10))
    machine.flushed()
    context.writeAndFlush(wrapOutboundOut(batch), promise: nil)
    metrics.flushes.increment()
    if timedBatch == nil { timedBatch = (context.eventLoop.now, machine.count) }
    reportInFlight()
  }

  private func handle(_ reply: RedisValue, _ context: ChannelHandlerContext) {
    timeBatch(context)
    if case .oversized = reply { metrics.oversizedReplies.increment() }
    if let reason = RedisError.demotion(reply) { onDemotion.take()?(reason) }
    switch machine.receive(reply) {
    case .none: break
    case .deliver(let ticket, let value): deliver(value, to: ticket, context)
    case .release(let held, let confirmation):
      release(held, confirmation)
      flush()
    case .unsolicited:
      end(
        RedisError(
          code: .protocolViolation, message: "Redis sent \(reply.kindDescription) that nobody asked for.",
          mayHaveRun: true))
    }
  }

  private func timeBatch(_ context: ChannelHandlerContext) {
    guard let batch = timedBatch else { return }
    guard batch.repliesLeft <= 1 else {
      timedBatch?.repliesLeft -= 1
      return
    }
    timedBatch = nil
    metrics.batchDuration.recordNanoseconds((context.eventLoop.now - batch.start).nanoseconds)
  }

  private func deliver(_ value: RedisValue, to ticket: CommandTicket, _ context: ChannelHandlerContext) {
    if let call = ticket.fallback, let message = value.errorMessage, message.hasPrefix("NOSCRIPT"), closeReason == nil {
      metrics.unknownScripts.increment()
      send(.scriptSource(call), ticket.withoutFallback(), context)
      return
    }
    metrics.commands.increment()
    ticket.succeed(value)
  }

  private func release(_ held: [(ticket: CommandTicket, value: RedisValue)], _ confirmation: RedisValue) {
    metrics.commands.increment(by: Int64(held.count))
    guard let found = barrier?.shortfall(confirmation, needed: neededReplicas) else {
      for (ticket, value) in held { ticket.succeed(value) }
      return
    }
    metrics.unreplicated.increment(by: Int64(held.count))
    let error = RedisError(
      code: .notReplicated, message: "Redis has the write, but it is not replicated: \(found).", mayHaveRun: true)
    for (ticket, _) in held { ticket.fail(error) }
    onShortfall?()
  }

  private func schedule(at deadline: NIODeadline, _ context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      self.timer = nil
      self.checkDeadlines()
    }
  }

  private func checkDeadlines() {
    guard let context else { return }
    let action = machine.checkDeadlines(now: context.eventLoop.now)
    for (ticket, mayHaveRun) in action.expired {
      metrics.timeouts.increment()
      ticket.fail(.timedOut(after: configuration.commandTimeout, mayHaveRun: mayHaveRun))
    }
    // Not a byte since the command was sent: a connection into the void. One slow command among others is none.
    let isSilent = !action.expired.isEmpty && heardAt + timeout <= context.eventLoop.now
    if action.isStuck || isSilent {
      end(RedisError(code: .connectionLost, message: "Redis stopped answering on the connection.", mayHaveRun: true))
    } else if let next = action.next {
      schedule(at: next, context)
    }
  }

  /// An idle connection can be dead without a sign; a PING that stays without an answer gets it closed like any stuck reply.
  private func probeWhenIdle() {
    guard let context, closeReason == nil else { return }
    defer { hasHeardSinceProbe = false }
    guard !hasHeardSinceProbe else { return }
    if machine.count == 0 {
      onlyProbes = true
      send(.command(RedisCommand("PING")), CommandTicket(.nobody), context)
    } else if onlyProbes {
      end(
        RedisError(code: .connectionLost, message: "Redis did not answer a probe of the connection.", mayHaveRun: true))
    }
  }

  private func end(_ reason: RedisError) {
    guard closeReason == nil else { return }
    closeReason = reason
    context?.close(promise: nil)
  }

  private func reportInFlight() {
    metrics.inFlight.add(machine.count - reportedInFlight)
    reportedInFlight = machine.count
  }
}

extension RedisError {
  static func overloaded(count: Int, bytes: Int) -> RedisError {
    RedisError(
      code: .overloaded, message: "Too many commands wait for Redis: \(count) with \(bytes) bytes.", mayHaveRun: false)
  }

  static func timedOut(after limit: Duration, mayHaveRun: Bool) -> RedisError {
    RedisError(code: .timedOut, message: "Redis did not answer within \(limit).", mayHaveRun: mayHaveRun)
  }
}
