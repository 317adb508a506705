import Atomics
public import NIOCore
import SharedSessions

/// Sendable: a stream that is counted and whose session is being followed, but that has no connection yet.
public final class OpenStream: Sendable {
  private let request: StreamRequest
  private let start: EventID
  private let reset: StreamReset?
  private let feed: NIOLoopBound<SessionFeed>
  private let eventLoop: any EventLoop
  private let streams: EventStreams
  private let onClose: @Sendable () -> Void
  private let isClosed = ManagedAtomic(false)

  init(
    request: StreamRequest, start: EventID, reset: StreamReset?, feed: NIOLoopBound<SessionFeed>,
    eventLoop: any EventLoop, streams: EventStreams, onClose: @escaping @Sendable () -> Void
  ) {
    self.request = request
    self.start = start
    self.reset = reset
    self.feed = feed
    self.eventLoop = eventLoop
    self.streams = streams
    self.onClose = onClose
  }

  /// The first bytes of the body: the pause before a reconnect, `connected`, and `stream_reset` where it applies.
  public var firstFrames: ByteBuffer {
    var frames = ByteBuffer()
    ServerFrames.writeRetry(streams.settings.retry, into: &frames)
    ServerFrames.writeConnected(
      sessionID: request.sessionID, participantID: request.participantID, position: start, into: &frames)
    if let reset {
      ServerFrames.writeReset(sessionID: request.sessionID, reason: reset, position: start, into: &frames)
    }
    return frames
  }

  /// Writes the session's events to a connection until the stream ends. The response's head and first frames must have
  /// been written before.
  ///
  /// - Parameter output: makes the connection's output; called on its event loop.
  /// - Returns: whether the response ends in order. If not, its connection has to be closed: the client reads too slowly
  ///   to be told anything, or has gone.
  public func serve(framing: StreamFraming, output: @escaping @Sendable () -> any StreamOutput) async -> Bool {
    let subscriber: NIOLoopBound<Subscriber>
    do {
      subscriber = try await eventLoop.submit { [self] in
        let subscriber = Subscriber(
          machine: SubscriberStateMachine(
            after: start, participantID: request.participantID, bufferBytes: streams.settings.bufferBytes),
          output: output(), framing: framing, eventLoop: eventLoop, metrics: streams.metrics)
        feed.value.add(subscriber)
        subscriber.start()
        streams.began(subscriber, on: eventLoop)
        return NIOLoopBound(subscriber, eventLoop: eventLoop)
      }.get()
    } catch { return false }
    let end = await withTaskCancellationHandler {
      await follow(subscriber)
    } onCancel: {
      eventLoop.execute { subscriber.value.finish(.clientGone) }
    }
    eventLoop.execute { [self] in
      subscriber.value.stop()
      feed.value.remove(subscriber.value)
    }
    close(end)
    return end != .slowConsumer && end != .clientGone
  }

  /// Gives everything back. More than once does nothing; `serve` does it by itself.
  public func close() {
    close(.clientGone)
  }

  private func close(_ end: StreamEnd) {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    streams.metrics.ended(end)
    onClose()
  }

  /// Reads the pages of the replay, then waits for the end.
  private func follow(_ subscriber: NIOLoopBound<Subscriber>) async -> StreamEnd {
    var pageSize = PageSize()
    while true {
      let instruction: Subscriber.Instruction
      do {
        instruction = try await eventLoop.flatSubmit { subscriber.value.next() }.get()
      } catch { return .failed }
      switch instruction {
      case .end(let reason): return reason
      case .read(let position):
        do {
          let page = try await streams.source.page(
            of: request.sessionID, after: position, limit: pageSize.limit)
          pageSize.read(page)
          eventLoop.execute { [request] in subscriber.value.page(page, endsHere: request.hasEnded) }
        } catch {
          eventLoop.execute { subscriber.value.finish(.failed) }
        }
      }
    }
  }
}
