public import NIOCore
import ServerSentEvents
public import SharedSessions

/// One event of a session on its way to this node's streams; an immutable value.
public struct StreamEvent: Sendable, Hashable {
  /// Where it stands in the session's stream; nil for an event that is not kept, such as `participant_online`.
  public var position: StreamPosition?
  /// The event's type.
  public var type: String
  /// The participant it is about, or nil.
  public var subject: String?
  /// The event's JSON, as the script wrote it.
  public var json: ByteBuffer

  /// An event from its parts.
  public init(position: StreamPosition?, type: String, subject: String?, json: ByteBuffer) {
    self.position = position
    self.type = type
    self.subject = subject
    self.json = json
  }

  /// What the log holds or a script has published.
  ///
  /// - Returns: nil when its id is none; another version of the program may write what this one does not know.
  public init?(_ stored: StoredEvent) {
    if let text = stored.id {
      guard let id = EventID(text) else { return nil }
      position = StreamPosition(id: id, seq: stored.sequence)
    } else {
      position = nil
    }
    type = stored.type
    subject = stored.subject
    json = stored.data
  }

  /// The event as viewers get it while they see less, or nil when they do not.
  var reduced: StreamEvent? {
    guard let json = ViewerReduction.event(type, json) else { return nil }
    var event = self
    event.json = json
    return event
  }

  /// What it changes about who may see what.
  var visibilityChange: VisibilityChange? { VisibilityChange(type, subject: subject, json) }

  /// Writes the event as a frame of a stream.
  ///
  /// - Returns: how many of the bytes are its `id:` line.
  @discardableResult
  func writeFrame(into buffer: inout ByteBuffer) -> Int {
    let id = position?.id.description
    // An id made of digits and a dash, and no type: the encoder has nothing to refuse.
    try? ServerSentEventEncoder.write(ServerSentEvent(id: id, data: json), into: &buffer)
    return id.map { $0.utf8.count + 5 } ?? 0
  }
}
