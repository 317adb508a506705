import NIOCore
import ServerSentEvents
import SharedSessions

/// What streams do with an event.
extension StoredEvent {
  /// The event as viewers get it while they see less, or nil when they do not.
  var reduced: StoredEvent? {
    guard let data = ViewerReduction.event(type, data) else { return nil }
    var event = self
    event.data = data
    return event
  }

  /// What it changes about who may see what.
  var visibilityChange: VisibilityChange? { VisibilityChange(type, subject: subject, data) }

  /// Writes the event as a frame of a stream.
  ///
  /// - Returns: how many of the bytes are its `id:` line.
  @discardableResult
  func writeFrame(into buffer: inout ByteBuffer) -> Int {
    let id = position?.cursor
    // An id made of digits and a dash, and no type: the encoder has nothing to refuse.
    try? ServerSentEventEncoder.write(ServerSentEvent(id: id, data: data), into: &buffer)
    return id.map { $0.utf8.count + 5 } ?? 0
  }
}
