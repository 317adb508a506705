import SharedSessions

/// Turns what a subscription delivers into a session's events in order, each once, without holes. A value.
///
/// A subscription may deliver an event twice or out of date, lose some while it is down, and go silent without an
/// error. Every event carries a contiguous `seq`, so a hole is seen, and the session's stream in Redis fills it.
struct SessionFeedStateMachine {
  private enum State {
    /// Subscribed, but where the stream stands is not known yet.
    case starting
    case following
    /// Reading the stream; `again` when a reason to read came up meanwhile.
    case repairing(again: Bool)
    case ended
  }

  private var state: State = .starting
  private var position = EventPosition(id: .zero, sequence: 0)
  /// What arrived while reading; bounded, since the stream in Redis holds the same.
  private var held: HeldEvents
  /// How many events were dropped because too much was held; each was or will be read.
  private(set) var dropped = 0
  /// Bytes of what waits for a read.
  var heldBytes: Int { held.bytes }

  init(heldEvents: Int = 256, heldBytes: Int = 1 << 20) {
    held = HeldEvents(mostEvents: heldEvents, mostBytes: heldBytes)
  }

  /// What to do next.
  enum Action: Equatable {
    case none
    /// Give these to the streams.
    case deliver([StoredEvent])
    /// Read the stream after a position, all pages, and report each.
    case read(after: EventPosition)
    /// First the one, then the other.
    case deliverAndRead([StoredEvent], after: EventPosition)
    /// Events are gone for good: end the streams, which resume by their own cursors and are told.
    case gap
  }

  /// The subscription is acknowledged, and the stream was read after that: it stood here.
  mutating func started(at position: EventPosition) -> Action {
    guard case .starting = state else { return .none }
    self.position = position
    state = .following
    return release([])
  }

  /// A message of the subscription.
  mutating func received(_ event: StoredEvent) -> Action {
    switch state {
    case .ended:
      return .none
    case .starting, .repairing:
      // Older ones may go: reading the stream brings them back, and `release` sees the hole.
      dropped += held.append(event)
      return .none
    case .following:
      dropped += held.append(event)
      return release([])
    }
  }

  /// Messages may have been missed: after an interruption, and from time to time on suspicion.
  mutating func suspected() -> Action {
    switch state {
    case .starting, .ended: return .none
    case .repairing:
      state = .repairing(again: true)
      return .none
    case .following:
      state = .repairing(again: false)
      return .read(after: position)
    }
  }

  /// A page of the stream, read after the position asked for.
  mutating func page(_ page: EventPage) -> Action {
    guard case .repairing(let again) = state else { return .none }
    guard page.isCursorKnown else { return end() }
    var delivered: [StoredEvent] = []
    for event in page.events {
      guard let next = event.position, next.sequence > position.sequence else { continue }
      guard next.sequence == position.sequence + 1 else { return end() }
      position = next
      delivered.append(event)
    }
    guard page.reachedEnd else { return .deliverAndRead(delivered, after: position) }
    guard again else {
      state = .following
      return release(delivered)
    }
    state = .repairing(again: false)
    return .deliverAndRead(delivered, after: position)
  }

  /// Reading failed; the answer asks for it again after a pause.
  func readFailed() -> Action {
    guard case .repairing = state else { return .none }
    return .read(after: position)
  }

  /// Gives out what follows on in order, and starts reading at the first hole.
  private mutating func release(_ before: [StoredEvent]) -> Action {
    var delivered = before
    while let event = held.popFirst() {
      guard let next = event.position else {
        delivered.append(event)
        continue
      }
      if next.sequence <= position.sequence {
        // A repeat has an old id. A new id with an old count: Redis lost events that were delivered, in a failover.
        guard next.id <= position.id else { return end() }
      } else if next.sequence == position.sequence + 1 {
        guard next.id > position.id else { return end() }
        position = next
        delivered.append(event)
      } else {
        held.putBack(event)
        state = .repairing(again: false)
        return .deliverAndRead(delivered, after: position)
      }
    }
    return delivered.isEmpty ? .none : .deliver(delivered)
  }

  private mutating func end() -> Action {
    state = .ended
    held.removeAll()
    return .gap
  }
}
