import NIOCore
import SharedSessions

/// Bound to its connection's event loop; one open stream of one client. Carries out what `SubscriberStateMachine` decides.
///
/// It writes; reading pages of a replay is the work of the request's task, which asks `next()` what to do.
final class Subscriber {
  /// What the request's task does next.
  enum Instruction: Sendable, Equatable {
    /// Read a page after a position and hand it to `page`.
    case read(after: EventID)
    /// The stream is over.
    case end(StreamEnd)
  }

  let framing: StreamFraming
  private let eventLoop: any EventLoop
  private let output: any StreamOutput
  private let metrics: StreamMetrics
  private var machine: SubscriberStateMachine
  private var instruction: Instruction?
  private var waiter: EventLoopPromise<Instruction>?

  init(
    machine: SubscriberStateMachine, output: any StreamOutput, framing: StreamFraming, eventLoop: any EventLoop,
    metrics: StreamMetrics
  ) {
    self.machine = machine
    self.output = output
    self.framing = framing
    self.eventLoop = eventLoop
    self.metrics = metrics
  }

  /// Starts listening to the connection and asks for the first page.
  func start() {
    output.onWritabilityChanged = { [weak self] isWritable in
      guard let self else { return }
      perform(machine.writabilityChanged(isWritable: isWritable))
    }
    instruct(.read(after: machine.position))
    output.onClosed = { [weak self] in self?.finish(.clientGone) }
    perform(machine.writabilityChanged(isWritable: output.isWritable))
  }

  /// Stops listening to the connection.
  func stop() {
    output.onWritabilityChanged = nil
    output.onClosed = nil
  }

  /// What to do next, as soon as there is something.
  func next() -> EventLoopFuture<Instruction> {
    eventLoop.preconditionInEventLoop()
    if let instruction {
      if case .read = instruction { self.instruction = nil }
      return eventLoop.makeSucceededFuture(instruction)
    }
    let promise = eventLoop.makePromise(of: Instruction.self)
    waiter = promise
    return promise.futureResult
  }

  func page(_ page: StreamPage, endsHere: Bool) {
    perform(machine.page(page, endsHere: endsHere))
  }

  func batch(_ batch: EventBatch, _ frames: inout SharedFrames) {
    let action = machine.batch(batch)
    if case .batch? = action.write {
      metrics.delivered(batch.events.count)
      send(frames.bytes(for: framing))
    }
    perform(action)
  }

  func heartbeat(_ frames: inout SharedFrames) {
    guard machine.takesHeartbeat else { return }
    send(frames.bytes(for: framing))
  }

  /// Ends the stream, with a last frame that is no event.
  func finish(_ reason: StreamEnd, lastFrame: ByteBuffer? = nil) {
    let action = machine.finish(reason)
    if action.ends != nil, let lastFrame { output.write(framing.frame(lastFrame, allocator: ByteBufferAllocator())) }
    perform(action)
  }

  private func perform(_ action: SubscriberStateMachine.Action) {
    if case .events(let events)? = action.write {
      metrics.delivered(events.count)
      var frames = SharedFrames(events, allocator: ByteBufferAllocator())
      send(frames.bytes(for: framing))
    }
    if let reason = action.ends { return instruct(.end(reason)) }
    if action.readsPage, machine.readyForPage() { instruct(.read(after: machine.position)) }
  }

  private func send(_ bytes: ByteBuffer) {
    output.write(bytes)
    let action = machine.wrote(bytes: bytes.readableBytes, isWritable: output.isWritable)
    if let reason = action.ends { instruct(.end(reason)) }
  }

  private func instruct(_ next: Instruction) {
    if let waiter {
      self.waiter = nil
      if case .end = next { instruction = next }
      waiter.succeed(next)
    } else if case .end? = instruction {
      return
    } else {
      instruction = next
    }
  }
}
