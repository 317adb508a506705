import DequeModule
import SharedSessions

/// A value: joins what a stream missed to what happens live, in order, without a hole and without a repeat.
///
/// The feed is already being followed when the first page is read, so whatever a page does not hold yet is either held
/// here or comes later. What is held is bounded: when it overflows, the rest is read from Redis as well.
struct ReplayJoinStateMachine {
  private enum State: Equatable {
    case replaying
    case live
  }

  private var state: State = .replaying
  /// Everything up to here has been handed to the stream. Ids suffice: the feed sees to it that nothing is missing.
  private(set) var position: EventID
  private var held: Deque<StreamEvent> = []
  private var hasOverflowed = false
  private let heldLimit: Int

  /// - Parameter position: what the stream has already: its cursor, or where the log stood when it was authorized.
  init(after position: EventID, heldLimit: Int = 256) {
    self.position = position
    self.heldLimit = heldLimit
  }

  /// Whether the stream follows live events.
  var isLive: Bool { state == .live }

  enum PageAction: Equatable {
    /// Write these, then read the next page after `position`.
    case deliver([StreamEvent])
    /// Write these; from now on live events go straight through.
    case goLive([StreamEvent])
    /// Events between `position` and this page were trimmed.
    case gap
  }

  /// A page of the stream read after `position`.
  mutating func page(_ page: StreamPage) -> PageAction {
    guard state == .replaying else { return .deliver([]) }
    guard page.isKnown else { return .gap }
    var delivered: [StreamEvent] = []
    delivered.reserveCapacity(page.events.count)
    for event in page.events { take(event, into: &delivered) }
    guard page.isLast, !hasOverflowed else {
      // What overflowed was published after this page was read, so the next one holds it.
      hasOverflowed = hasOverflowed && !page.isLast
      return .deliver(delivered)
    }
    state = .live
    for event in held { take(event, into: &delivered) }
    held = []
    return .goLive(delivered)
  }

  private mutating func take(_ event: StreamEvent, into delivered: inout [StreamEvent]) {
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
    case deliver([StreamEvent])
    /// Nothing now.
    case hold
  }

  /// Events of the feed, which are in order and without holes.
  mutating func live(_ batch: EventBatch) -> LiveAction {
    switch state {
    case .replaying:
      for event in batch.events {
        if held.count >= heldLimit {
          held.removeFirst()
          hasOverflowed = true
        }
        held.append(event)
      }
      return .hold
    case .live:
      guard let first = batch.first, let last = batch.last else { return .deliverAll }
      let before = position
      if last.id > before { position = last.id }
      if first.id > before { return .deliverAll }
      return .deliver(batch.events.filter { $0.position.map { $0.id > before } ?? true })
    }
  }
}
