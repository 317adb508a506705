import SharedSessions

/// Joins what a stream missed to what happens live, in order, without a hole and without a repeat. A value.
///
/// The feed is already being followed when the first page is read, so whatever a page does not hold yet is either held
/// here or comes later. What is held is bounded in number and bytes, however long the client keeps the replay waiting: when
/// it overflows, the rest is read from Redis as well.
struct ReplayJoinStateMachine {
  private enum State: Equatable {
    case replaying
    case live
  }

  private var state: State = .replaying
  /// Everything up to here has been handed to the stream. Ids suffice: the feed sees to it that nothing is missing.
  private(set) var position: EventID
  private var held: HeldEvents
  private var hasOverflowed = false

  /// - Parameters:
  ///   - position: what the stream has already: its cursor, or where the log stood when it was authorized.
  ///   - heldEvents: how many live events may wait.
  ///   - heldBytes: how many bytes of them; a single larger one may.
  init(after position: EventID, heldEvents: Int = 256, heldBytes: Int = 1 << 20) {
    self.position = position
    held = HeldEvents(mostEvents: heldEvents, mostBytes: heldBytes)
  }

  /// Bytes of the live events that wait.
  var heldBytes: Int { held.bytes }

  /// Whether the stream follows live events.
  var isLive: Bool { state == .live }

  enum PageAction: Equatable {
    /// Write these, then read the next page after `position`.
    case deliver([StoredEvent])
    /// Write these; from now on live events go straight through.
    case goLive([StoredEvent])
    /// Events between `position` and this page were trimmed.
    case gap
  }

  /// A page of the stream read after `position`.
  mutating func page(_ page: EventPage) -> PageAction {
    guard state == .replaying else { return .deliver([]) }
    guard page.isCursorKnown else { return .gap }
    var delivered: [StoredEvent] = []
    delivered.reserveCapacity(page.events.count)
    for event in page.events { take(event, into: &delivered) }
    guard page.reachedEnd, !hasOverflowed else {
      // What overflowed was published after this page was read, so the next one holds it.
      hasOverflowed = hasOverflowed && !page.reachedEnd
      return .deliver(delivered)
    }
    state = .live
    while let event = held.popFirst() { take(event, into: &delivered) }
    return .goLive(delivered)
  }

  private mutating func take(_ event: StoredEvent, into delivered: inout [StoredEvent]) {
    if let next = event.position?.id {
      guard next > position else { return }
      position = next
    }
    delivered.append(event)
  }

  enum LiveAction: Equatable {
    /// All of the batch, as it is.
    case deliverAll
    /// A part of it; the rest was replayed.
    case deliver([StoredEvent])
    /// Nothing now; so many events were dropped, which will be read from the log.
    case hold(dropped: Int)
  }

  /// Events of the feed, which are in order and without holes.
  mutating func live(_ batch: EventBatch) -> LiveAction {
    switch state {
    case .replaying:
      let dropped = batch.events.reduce(0) { $0 + held.append($1) }
      if dropped > 0 { hasOverflowed = true }
      return .hold(dropped: dropped)
    case .live:
      guard let first = batch.first, let last = batch.last else { return .deliverAll }
      let before = position
      if last.id > before { position = last.id }
      if first.id > before { return .deliverAll }
      return .deliver(batch.events.filter { $0.position.map { $0.id > before } ?? true })
    }
  }
}
