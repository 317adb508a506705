import NIOCore
import SharedSessions

/// Bound to its event loop; one client's connection with the streams it carries, of one session or of several. Carries
/// out what the subscribers' state machines and its own decide.
///
/// It writes; reading pages of a replay is the work of the request's task, which asks `next()` what to do.
final class StreamConnection {
  /// What the request's task does next.
  enum Instruction: Sendable, Equatable {
    /// Read a page of a stream after a position and hand it to `page`.
    case read(Int, after: EventID)
    /// The connection is over.
    case end(StreamEnd)
  }

  /// A session of a combined stream, in the order of its cursor.
  enum Part {
    /// Followed by the subscriber of this index.
    case stream(Int)
    /// Not followed; the text is its cursor.
    case refused(String)
  }

  let coding: TransferCoding
  /// Its place in the hub, which keeps it there.
  var slot: Int?
  private let eventLoop: any EventLoop
  private let output: any StreamOutput
  private let metrics: StreamMetrics
  private var machine: StreamConnectionStateMachine
  private var subscribers: [StreamSubscription] = []
  /// The parts of a combined stream; nil for a stream of one session, whose ids are the events' own.
  private let parts: [Part]?
  private var instruction: Instruction?
  private var waiter: EventLoopPromise<Instruction>?
  private var isWritingPage = false

  init(
    machine: StreamConnectionStateMachine, parts: [Part]?, output: any StreamOutput, coding: TransferCoding,
    eventLoop: any EventLoop, metrics: StreamMetrics
  ) {
    self.machine = machine
    self.parts = parts
    self.output = output
    self.coding = coding
    self.eventLoop = eventLoop
    self.metrics = metrics
  }

  /// Adds a stream; before `start`.
  func add(_ subscriber: StreamSubscription) { subscribers.append(subscriber) }

  /// Starts listening to the connection and asks for the first pages.
  func start() {
    output.onWritabilityChanged = { [weak self] isWritable in
      guard let self else { return }
      perform(machine.writabilityChanged(isWritable: isWritable))
    }
    for subscriber in subscribers where !subscriber.hasEnded { perform(machine.wantsPage(subscriber.index)) }
    output.onClosed = { [weak self] in self?.finish(.clientGone) }
    perform(machine.writabilityChanged(isWritable: output.isWritable))
  }

  /// Stops listening to the connection.
  ///
  /// - Returns: its streams.
  func stop() -> [StreamSubscription] {
    output.onWritabilityChanged = nil
    output.onClosed = nil
    defer { subscribers = [] }
    return subscribers
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

  /// The page that `next` asked for.
  func page(_ page: EventPage, of stream: Int, endsHere: Bool) {
    guard subscribers.indices.contains(stream) else { return }
    isWritingPage = true
    subscribers[stream].page(page, endsHere: endsHere)
    isWritingPage = false
    perform(machine.pageArrived())
  }

  func heartbeat(_ beat: inout SharedBytes) {
    guard machine.takesHeartbeat else { return }
    if machine.owesPosition { tellPosition() }
    send(beat.bytes(for: coding))
  }

  /// Ends the connection, with a last frame that is no event.
  func finish(_ reason: StreamEnd, lastFrame: ByteBuffer? = nil) {
    let owesPosition = machine.owesPosition
    let action = machine.finish(reason)
    if action != .none, let lastFrame {
      if owesPosition { output.write(coding.chunk(positionFrame, allocator: ByteBufferAllocator())) }
      output.write(coding.chunk(lastFrame, allocator: ByteBufferAllocator()))
    }
    perform(action)
  }

  // MARK: Carrying out

  /// What a subscriber decided about events that no other stream gets now.
  func perform(_ action: StreamSubscriptionStateMachine.Action, of subscriber: StreamSubscription) {
    var frames = BatchFrames([])
    perform(action, of: subscriber, &frames)
  }

  /// What a subscriber decided about the events of `frames`.
  func perform(
    _ action: StreamSubscriptionStateMachine.Action, of subscriber: StreamSubscription, _ frames: inout BatchFrames
  ) {
    switch action.write {
    case nil: break
    case .batch(let view)?: write(view, &frames, of: subscriber)
    case .chosen(let chosen)?: write(chosen, &frames, of: subscriber)
    case .events(let events)?:
      var own = BatchFrames(events)
      write(.whole, &own, of: subscriber)
    }
    if action.dropped > 0 { metrics.droppedHeld(action.dropped) }
    if action.passedOver > 0 || machine.owesPosition,
      machine.passed(over: action.passedOver, writesID: holdsID(action.write, &frames))
    {
      tellPosition()
    }
    if let reason = action.ends {
      subscriber.ended(reason)
      perform(machine.ended(subscriber.index, reason))
    } else if action.readsPage {
      perform(machine.wantsPage(subscriber.index))
    }
  }

  private func perform(_ action: StreamConnectionStateMachine.Action) {
    switch action {
    case .none: break
    case .read(let stream): instruct(.read(stream, after: subscribers[stream].position))
    case .end(let reason): instruct(.end(reason))
    }
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

  // MARK: Writing

  /// Writes all that a view has of a batch.
  private func write(_ view: StreamView, _ frames: inout BatchFrames, of subscriber: StreamSubscription) {
    guard parts == nil else {
      let held = frames.events.indices.filter { frames.holds($0, in: view) }
      return write(held.map { StreamSubscriptionStateMachine.Chosen(index: $0, view: view) }, &frames, of: subscriber)
    }
    metrics.delivered(frames.count(view))
    send(frames.bytes(view, for: coding))
  }

  /// Writes some frames, each with the connection's own id where it carries several sessions.
  private func write(
    _ chosen: [StreamSubscriptionStateMachine.Chosen], _ frames: inout BatchFrames, of subscriber: StreamSubscription
  ) {
    metrics.delivered(chosen.count)
    var composer = FrameComposer()
    let others = parts.map { _ in cursorAround(subscriber) }
    for one in chosen {
      if let others, let id = frames.events[one.index].position?.id {
        composer.add("id: \(others.before)\(StreamCursor.text(id))\(others.after)\n")
      }
      composer.add(shared: frames.frame(one.index, in: one.view, withID: others == nil))
    }
    send(composer.take(coding))
  }

  private func holdsID(_ write: StreamSubscriptionStateMachine.Action.Write?, _ frames: inout BatchFrames) -> Bool {
    switch write {
    case nil: false
    case .batch(let view)?: frames.holdsID(view)
    case .chosen(let chosen)?: chosen.contains { frames.events[$0.index].position != nil }
    case .events(let events)?: events.contains { $0.position != nil }
    }
  }

  private func send(_ pieces: [ByteBuffer]) {
    guard pieces.count > 1 else { return pieces.forEach(send) }
    output.write(pieces)
    let bytes = pieces.reduce(0) { $0 + $1.readableBytes }
    perform(machine.wrote(bytes: bytes, ofPage: isWritingPage, isWritable: output.isWritable))
  }

  private func send(_ bytes: ByteBuffer) {
    output.write(bytes)
    perform(machine.wrote(bytes: bytes.readableBytes, ofPage: isWritingPage, isWritable: output.isWritable))
  }

  // MARK: Cursor

  /// Moves the client's last event id without an event.
  private func tellPosition() {
    machine.toldPosition()
    send(coding.chunk(positionFrame, allocator: ByteBufferAllocator()))
  }

  private var positionFrame: ByteBuffer {
    var frame = ByteBuffer()
    let cursor = parts.map { $0.map(text).joined(separator: ",") } ?? subscribers.first?.cursor
    ServerFrames.writePosition(cursor ?? StreamCursor.text(.zero), into: &frame)
    return frame
  }

  private func text(_ part: Part) -> String {
    switch part {
    case .stream(let index): subscribers.indices.contains(index) ? subscribers[index].cursor : "-"
    case .refused(let cursor): cursor
    }
  }

  /// What stands before and behind a stream's own cursor in the combined one.
  private func cursorAround(_ subscriber: StreamSubscription) -> (before: String, after: String) {
    var (before, after, isBehind) = ("", "", false)
    for part in parts ?? [] {
      if case .stream(subscriber.index) = part {
        isBehind = true
      } else if isBehind {
        after += "," + text(part)
      } else {
        before += text(part) + ","
      }
    }
    return (before, after)
  }
}
