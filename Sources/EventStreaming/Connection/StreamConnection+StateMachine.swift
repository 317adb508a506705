import DequeModule

/// What the streams of one connection share. It decides whose page is read next, when the client is too slow, when it
/// is told a position, and when the connection ends; `StreamConnection` writes, reads and closes. A value.
struct StreamConnectionStateMachine {
  private let bufferBytes: Int
  /// Bytes given to the channel while it was not writable.
  private var waitingBytes = 0
  private var isWritable = true
  /// Streams whose replay goes on, in turn. One page is read at a time, so a long replay neither fills the memory nor
  /// keeps the others waiting.
  private var turns: Deque<Int> = []
  private var isReading = false
  /// Streams that have not ended.
  private var rest: Int
  /// Events that were passed over since the last id was written.
  private var passedOver = 0
  private var end: StreamEnd?

  /// So many events are passed over before the client is told where it stands; otherwise a heartbeat tells it.
  static let mostPassedOver = 100

  /// - Parameters:
  ///   - streams: how many there are; at least one.
  ///   - bufferBytes: how much may wait for a slow client.
  init(streams: Int, bufferBytes: Int) {
    self.rest = streams
    self.bufferBytes = bufferBytes
  }

  /// What to do next.
  enum Action: Equatable {
    case none
    /// Read the next page of a stream, and tell with `pageArrived`.
    case read(Int)
    /// The connection is over.
    case end(StreamEnd)
  }

  /// A stream's replay goes on.
  mutating func wantsPage(_ stream: Int) -> Action {
    guard end == nil else { return .none }
    turns.append(stream)
    return next()
  }

  /// The page that was read has been written.
  mutating func pageArrived() -> Action {
    isReading = false
    return next()
  }

  private mutating func next() -> Action {
    guard end == nil, !isReading, isWritable, let stream = turns.popFirst() else { return .none }
    isReading = true
    return .read(stream)
  }

  /// Bytes were given to the channel. It buffers them for a client that does not read; beyond the budget the client is
  /// cut off and resumes by its cursor: skipping an event would be losing it.
  ///
  /// What fills the channel does not count, however large it is: a single event larger than the budget has to reach a client
  /// whose connection is slow but works. Neither does a page of a replay: it was asked for when there was room, and the
  /// next one waits until there is again.
  mutating func wrote(bytes: Int, ofPage isPage: Bool = false, isWritable: Bool) -> Action {
    guard end == nil else { return .none }
    let wasWritable = self.isWritable
    self.isWritable = isWritable
    guard !isWritable, !wasWritable else {
      waitingBytes = 0
      return .none
    }
    if !isPage { waitingBytes += bytes }
    return waitingBytes > bufferBytes ? finish(.slowConsumer) : .none
  }

  /// The channel's writability changed. A replay goes on when there is room again.
  mutating func writabilityChanged(isWritable: Bool) -> Action {
    guard end == nil else { return .none }
    self.isWritable = isWritable
    guard isWritable else { return .none }
    waitingBytes = 0
    return next()
  }

  /// Events were passed over, behind the last one that was written.
  ///
  /// - Parameter writesID: whether something with an id was written before them.
  /// - Returns: whether the client is to be told its position now.
  mutating func passed(over events: Int, writesID: Bool) -> Bool {
    passedOver = writesID ? events : passedOver + events
    return passedOver >= Self.mostPassedOver
  }

  /// Whether the client's position is behind what it was given or passed over.
  var owesPosition: Bool { passedOver > 0 }

  /// The client has been told its position.
  mutating func toldPosition() { passedOver = 0 }

  /// A client that reads nothing needs no sign of life.
  var takesHeartbeat: Bool { end == nil && isWritable }

  /// One of the streams has ended.
  mutating func ended(_ stream: Int, _ reason: StreamEnd) -> Action {
    guard end == nil else { return .none }
    guard reason.isOfSession else { return finish(reason) }
    turns.removeAll { $0 == stream }
    rest -= 1
    return rest == 0 ? finish(reason) : .none
  }

  /// Ends the connection.
  mutating func finish(_ reason: StreamEnd) -> Action {
    guard end == nil else { return .none }
    end = reason
    turns = []
    return .end(reason)
  }
}
