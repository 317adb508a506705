import SharedSessions

/// Events that arrived in one turn of the event loop, and what every stream asks about them, found once. A value.
struct EventBatch: Equatable {
  let events: [StoredEvent]
  /// The place of the first event that has one.
  let first: EventPosition?
  /// The place of the last event that has one.
  let last: EventPosition?
  /// Whether there is an event among them that ends streams.
  let holdsEnd: Bool
  /// What events among them change about who may see what, by their places in `events`.
  let changes: [Int: VisibilityChange]

  init(_ events: [StoredEvent]) {
    self.events = events
    first = events.first { $0.position != nil }?.position
    last = events.last { $0.position != nil }?.position
    holdsEnd = events.contains { $0.type == "session_closed" || $0.type == "participant_left" }
    var changes: [Int: VisibilityChange] = [:]
    for (index, event) in events.enumerated() {
      if let change = event.visibilityChange { changes[index] = change }
    }
    self.changes = changes
  }
}
