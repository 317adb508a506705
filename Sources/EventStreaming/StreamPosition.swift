public import SharedSessions

/// A place in a session's stream: everything up to and including one event; a value.
public struct StreamPosition: Sendable, Hashable {
  /// The event's id.
  public var id: EventID
  /// The event's place in the session's contiguous count, which begins with 1.
  public var seq: Int64

  /// A position from its parts.
  public init(id: EventID, seq: Int64) {
    self.id = id
    self.seq = seq
  }
}
