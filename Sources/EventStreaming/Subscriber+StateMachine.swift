import SharedSessions

/// Why a stream ended.
enum StreamEnd: String, Sendable, CaseIterable {
  /// The session was closed or expired; its last event has been written.
  case sessionEnded = "session_ended"
  /// The participant left or was removed.
  case participantLeft = "participant_left"
  /// The client reads too slowly: more than the byte budget is waiting for it.
  case slowConsumer = "slow_consumer"
  /// The client closed its side or its connection.
  case clientGone = "client_gone"
  /// The node is shutting down.
  case drained = "drained"
  /// Events were lost in Redis; the client resumes by its cursor and is told.
  case gap = "gap"
  /// Redis could not be read.
  case failed = "failed"
}

/// A value: one open stream. It decides what is written, when the next page of a replay is read, and when the stream
/// ends; `Subscriber` writes, reads and closes.
struct SubscriberStateMachine {
  private var join: ReplayJoinStateMachine
  private let participantID: String?
  private let bufferBytes: Int
  /// Bytes given to the channel while it was not writable.
  private var waitingBytes = 0
  private var isWritable = true
  private var wantsPage = false
  private var end: StreamEnd?

  /// - Parameters:
  ///   - position: what the client has already.
  ///   - participantID: whose leaving ends the stream; nil for none.
  ///   - bufferBytes: how much may wait for a slow client.
  init(after position: EventID, participantID: String?, bufferBytes: Int, heldLimit: Int = 256) {
    self.join = ReplayJoinStateMachine(after: position, heldLimit: heldLimit)
    self.participantID = participantID
    self.bufferBytes = bufferBytes
  }

  /// What has been handed to the stream.
  var position: EventID { join.position }
  /// Whether it follows live events.
  var isLive: Bool { join.isLive }

  /// What the driver does: write, then read or end. A value with nothing in it does nothing.
  struct Action: Equatable {
    enum Write: Equatable {
      /// The whole batch, in the bytes that are shared by all streams.
      case batch
      /// These events.
      case events([StreamEvent])
    }

    var write: Write?
    var readsPage = false
    var ends: StreamEnd?

    static let nothing = Action()
  }

  /// A page of the session's stream, read after `position`.
  ///
  /// - Parameter endsHere: whether nothing follows the last page, because the session ended earlier.
  mutating func page(_ page: StreamPage, endsHere: Bool) -> Action {
    guard end == nil else { return .nothing }
    switch join.page(page) {
    case .gap: return finish(.gap)
    case .deliver(let events): return writing(events, thenReads: true)
    case .goLive(let events):
      var action = writing(events, thenReads: false)
      if endsHere, end == nil {
        end = .sessionEnded
        action.ends = .sessionEnded
      }
      return action
    }
  }

  /// Live events; all streams of a session get the same batch.
  mutating func batch(_ batch: EventBatch) -> Action {
    guard end == nil else { return .nothing }
    switch join.live(batch) {
    case .hold: return .nothing
    case .deliver(let events): return writing(events, thenReads: false)
    case .deliverAll:
      if batch.holdsEnd, let last = lastEvent(in: batch.events) {
        return finish(last.end, .events(Array(batch.events[...last.index])))
      }
      return Action(write: .batch)
    }
  }

  /// Bytes were given to the channel. It buffers them for a client that does not read; beyond the budget the client is
  /// cut off and resumes by its cursor: skipping an event would be losing it.
  ///
  /// What fills the channel does not count, however large it is: a single event larger than the budget, or a page of a
  /// replay, has to reach a client whose connection is slow but works.
  mutating func wrote(bytes: Int, isWritable: Bool) -> Action {
    guard end == nil else { return .nothing }
    let wasWritable = self.isWritable
    self.isWritable = isWritable
    guard !isWritable, !wasWritable else {
      waitingBytes = 0
      return .nothing
    }
    waitingBytes += bytes
    return waitingBytes > bufferBytes ? finish(.slowConsumer) : .nothing
  }

  /// The channel's writability changed. A replay goes on when there is room again.
  mutating func writabilityChanged(isWritable: Bool) -> Action {
    guard end == nil else { return .nothing }
    self.isWritable = isWritable
    guard isWritable else { return .nothing }
    waitingBytes = 0
    guard wantsPage else { return .nothing }
    wantsPage = false
    return Action(readsPage: true)
  }

  /// After a page was written: whether the next one may be read now, or when the channel has room.
  mutating func readyForPage() -> Bool {
    guard end == nil, !join.isLive else { return false }
    wantsPage = !isWritable
    return isWritable
  }

  /// A client that reads nothing needs no sign of life.
  var takesHeartbeat: Bool { end == nil && isWritable }

  /// Ends the stream for a reason from outside.
  mutating func finish(_ reason: StreamEnd) -> Action {
    finish(reason, nil)
  }

  private mutating func finish(_ reason: StreamEnd, _ write: Action.Write?) -> Action {
    guard end == nil else { return .nothing }
    end = reason
    return Action(write: write, ends: reason)
  }

  private mutating func writing(_ events: [StreamEvent], thenReads: Bool) -> Action {
    if let last = lastEvent(in: events) {
      return finish(last.end, .events(Array(events[...last.index])))
    }
    return Action(write: events.isEmpty ? nil : .events(events), readsPage: thenReads)
  }

  /// The event after which nothing more is for this client.
  private func lastEvent(in events: [StreamEvent]) -> (index: Int, end: StreamEnd)? {
    for (index, event) in events.enumerated() {
      if event.type == "session_closed" { return (index, .sessionEnded) }
      if event.type == "participant_left", let participantID, event.subject == participantID {
        return (index, .participantLeft)
      }
    }
    return nil
  }
}
