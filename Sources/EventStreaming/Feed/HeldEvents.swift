import DequeModule
import NIOCore
import SharedSessions

/// Live events that wait for a read of the log to end. A value.
///
/// It is bounded in number and in bytes. What the log keeps goes first, oldest first, because it can be read there again;
/// events that are only published go when nothing else is left. The newest kept event always stays, however large: it shows
/// what is missing.
struct HeldEvents: Equatable {
  private var events: Deque<StoredEvent> = []
  private(set) var bytes = 0
  private let mostEvents: Int
  private let mostBytes: Int

  init(mostEvents: Int, mostBytes: Int) {
    self.mostEvents = mostEvents
    self.mostBytes = mostBytes
  }

  var count: Int { events.count }

  /// Takes an event in.
  ///
  /// - Returns: how many kept events were dropped for it.
  mutating func append(_ event: StoredEvent) -> Int {
    if let id = event.position?.id, events.contains(where: { $0.position?.id == id }) { return 0 }
    events.append(event)
    bytes += event.data.readableBytes
    var dropped = 0
    while events.count > mostEvents || bytes > mostBytes, let index = leastNeeded {
      let event = events.remove(at: index)
      bytes -= event.data.readableBytes
      if event.position != nil { dropped += 1 }
    }
    return dropped
  }

  private var leastNeeded: Int? {
    let newest = events.lazy.compactMap { $0.position?.id }.max()
    return events.firstIndex { $0.position.map { $0.id != newest } ?? false }
      ?? events.firstIndex { $0.position == nil }
  }

  /// Takes the oldest out.
  mutating func popFirst() -> StoredEvent? {
    let event = events.popFirst()
    bytes -= event?.data.readableBytes ?? 0
    return event
  }

  /// Puts back what `popFirst` gave.
  mutating func putBack(_ event: StoredEvent) {
    events.prepend(event)
    bytes += event.data.readableBytes
  }

  mutating func removeAll() {
    events = []
    bytes = 0
  }
}
