public import NIOCore

/// An event as a session's stream delivers it: what the log holds, or what a script has published. A value; `data` is the
/// event's complete JSON.
public struct StoredEvent: Sendable, Hashable {
  /// Where it stands in the session's log; nil for an event that is only published, such as `participant_online`.
  public var position: EventPosition?
  /// The event's type.
  public var type: String
  /// The participant it is about, if any.
  public var subject: String?
  /// The event's JSON.
  public var data: ByteBuffer

  /// An event from its parts.
  public init(position: EventPosition?, type: String, subject: String?, data: ByteBuffer) {
    self.position = position
    self.type = type
    self.subject = subject
    self.data = data
  }

  /// The id under which the log keeps it, as clients know it; nil for an event that is only published.
  public var id: String? { position?.cursor }
  /// Its place in the session's contiguous count; 0 for an event that is only published.
  public var sequence: Int64 { position?.sequence ?? 0 }
}

/// A place in a session's log: everything up to and including one event. A value.
public struct EventPosition: Sendable, Hashable {
  /// The event's id.
  public var id: EventID
  /// The event's place in the session's contiguous count, which begins with 1.
  public var sequence: Int64

  /// A position from its parts.
  public init(id: EventID, sequence: Int64) {
    self.id = id
    self.sequence = sequence
  }

  /// The position of an event that the log holds; nil for a text that is no such id. The second part of its id is its place in the
  /// count.
  public init?(cursor: some StringProtocol) {
    guard let id = EventID(cursor), let sequence = Int64(exactly: id.sequence), sequence > 0 else { return nil }
    self.init(id: id, sequence: sequence)
  }

  /// The id as clients know it.
  public var cursor: String { id.description }
}

/// Some events of a session's log, in order. A value.
public struct EventPage: Sendable, Hashable {
  /// The events after the cursor.
  public var events: [StoredEvent]
  /// False when the cursor is not (or no longer) in the log: some of the events after it may be gone, too, and the client must
  /// begin again.
  public var isCursorKnown: Bool
  /// True when the log held no more than this.
  public var reachedEnd: Bool

  /// A page from its parts.
  public init(events: [StoredEvent], isCursorKnown: Bool = true, reachedEnd: Bool) {
    self.events = events
    self.isCursorKnown = isCursorKnown
    self.reachedEnd = reachedEnd
  }
}
