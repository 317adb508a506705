import Atomics
public import NIOCore
import SharedSessions

/// The streams of one connection, of one session or of several, before and while they are served. Sendable.
public final class OpenStream: Sendable {
  private let parts: [StreamPart]
  private let admitted: [AdmittedStream]
  private let isCombined: Bool
  private let types: EventTypeFilter?
  private let eventLoop: any EventLoop
  private let streams: EventStreams
  private let retry: Duration
  private let isClosed = ManagedAtomic(false)

  init(
    parts: [StreamPart], isCombined: Bool, types: EventTypeFilter?, eventLoop: any EventLoop, streams: EventStreams
  ) {
    self.parts = parts
    self.admitted = parts.compactMap { if case .admitted(let stream) = $0 { stream } else { nil } }
    self.isCombined = isCombined
    self.types = types
    self.eventLoop = eventLoop
    self.streams = streams
    self.retry = streams.nextRetry()
    if isCombined { streams.metrics.combinedOpened() }
  }

  /// The first bytes of the body: the pause before a reconnect, `connected` for each session, `stream_reset` and
  /// `stream_refused` where they apply. With several sessions also where all of them start, so that a client which loses
  /// the connection before its first event resumes exactly, too.
  ///
  /// - Parameter tellsRetry: whether the pause is among them; it is told once.
  public func firstFrames(tellsRetry: Bool = true) -> ByteBuffer {
    var frames = ByteBuffer()
    if tellsRetry { ServerFrames.writeRetry(retry, into: &frames) }
    for stream in admitted {
      ServerFrames.writeConnected(
        sessionID: stream.request.sessionID, participantID: stream.request.participantID, position: stream.start,
        into: &frames)
    }
    for part in parts {
      switch part {
      case .admitted(let stream):
        guard let reset = stream.reset else { continue }
        ServerFrames.writeReset(
          sessionID: stream.request.sessionID, reason: reset, position: stream.start, into: &frames)
      case .refused(let session): ServerFrames.writeRefused(session, into: &frames)
      }
    }
    if isCombined {
      let cursors = parts.map { part in
        switch part {
        case .admitted(let stream): StreamCursor.text(stream.start)
        case .refused(let session): StreamCursor.kept(session.start)
        }
      }
      ServerFrames.writePosition(cursors.joined(separator: ","), into: &frames)
    }
    return frames
  }

  /// Writes the sessions' events to a connection until the last stream ends. The response's head and first frames must
  /// have been written before.
  ///
  /// - Parameter output: makes the connection's output; called on its event loop.
  /// - Returns: whether the response ends in order. If not, its connection has to be closed: the client reads too slowly
  ///   to be told anything, or has gone.
  public func serve(coding: TransferCoding, output: @escaping @Sendable () -> any StreamOutput) async -> Bool {
    let connection: NIOLoopBound<StreamConnection>
    do {
      connection = try await eventLoop.submit { [self] in
        NIOLoopBound(connect(output(), coding), eventLoop: eventLoop)
      }.get()
    } catch { return false }
    let end = await withTaskCancellationHandler {
      await follow(connection)
    } onCancel: {
      eventLoop.execute { connection.value.finish(.clientGone) }
    }
    eventLoop.execute { [self] in
      streams.ended(connection.value, on: eventLoop)
      for (stream, subscriber) in zip(admitted, connection.value.stop()) { stream.feed.value.remove(subscriber) }
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
    for stream in admitted { stream.close(end) }
    if isCombined { streams.metrics.combinedEnded() }
  }

  /// Follows the sessions' feeds; on the event loop.
  private func connect(_ output: any StreamOutput, _ coding: TransferCoding) -> StreamConnection {
    let connection = StreamConnection(
      machine: StreamConnectionStateMachine(
        streams: admitted.count, bufferBytes: streams.settings.bufferBytes),
      parts: isCombined ? cursorParts : nil, output: output, coding: coding, eventLoop: eventLoop,
      metrics: streams.metrics)
    let subscribers = admitted.enumerated().map { index, stream in
      StreamSubscription(
        index: index,
        machine: StreamSubscriptionStateMachine(
          after: stream.start, participantID: stream.request.participantID, types: types,
          visibility: stream.request.visibility, heldEvents: max(16, 256 / admitted.count),
          heldBytes: streams.settings.bufferBytes / admitted.count),
        connection: connection
      ) { [eventLoop] subscriber, end in
        guard end.isOfSession else { return }
        // Not now: the feed may be going through its subscribers.
        let subscriber = NIOLoopBound(subscriber, eventLoop: eventLoop)
        eventLoop.execute { stream.feed.value.remove(subscriber.value) }
        stream.close(end)
      }
    }
    for (stream, subscriber) in zip(admitted, subscribers) {
      connection.add(subscriber)
      stream.feed.value.add(subscriber)
    }
    connection.start()
    streams.began(connection, on: eventLoop)
    return connection
  }

  private var cursorParts: [StreamConnection.Part] {
    var index = 0
    return parts.map { part in
      switch part {
      case .admitted:
        defer { index += 1 }
        return .stream(index)
      case .refused(let session): return .refused(StreamCursor.kept(session.start))
      }
    }
  }

  /// Reads the pages of the replays, then waits for the end.
  private func follow(_ connection: NIOLoopBound<StreamConnection>) async -> StreamEnd {
    while true {
      let instruction: StreamConnection.Instruction
      do {
        instruction = try await eventLoop.flatSubmit { connection.value.next() }.get()
      } catch { return .failed }
      switch instruction {
      case .end(let reason): return reason
      case .read(let index, let position):
        let request = admitted[index].request
        do {
          let page = try await streams.source.page(of: request.sessionID, after: position, limit: EventLog.pageLimit)
          eventLoop.execute { connection.value.page(page, of: index, endsHere: request.hasEnded) }
        } catch {
          eventLoop.execute { connection.value.finish(.failed) }
        }
      }
    }
  }
}
