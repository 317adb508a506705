import NIOCore

/// An event as Redis keeps and publishes it: its payload, without what every event of a session repeats. A value.
///
/// An event that tells of a message holds its author, and is followed by the message as it is kept, in lines of its own; both are
/// without the session's id, and the message's time is the event's.
struct KeptEvent {
  /// Unix time in milliseconds.
  private let milliseconds: Int
  /// Nil for one that is only published.
  private let position: EventPosition?
  private let type: String
  private let subject: String?
  private let data: ByteBuffer

  /// An event from its parts; nil when they are none.
  ///
  /// - Parameters:
  ///   - place: its id; its time alone when it is only published.
  ///   - subject: the participant it is about, or `-`.
  ///   - data: its payload.
  init?(place: some StringProtocol, type: String, subject: String, data: ByteBuffer) {
    position = EventPosition(cursor: place)
    guard let milliseconds = position.flatMap({ Int(exactly: $0.id.milliseconds) }) ?? Int(place), milliseconds >= 0,
      data.readableBytes > 0
    else { return nil }
    self.milliseconds = milliseconds
    self.type = type
    self.subject = subject == "-" ? nil : subject
    self.data = data
  }

  /// The event as its readers get it; nil when what is kept of it is damaged.
  func event(of sessionID: String) -> StoredEvent? {
    var json = ByteBuffer()
    json.reserveCapacity(data.readableBytes + 400)
    json.writeString(#"{"type":""#)
    json.writeString(type)
    json.writeString(#"","sharedSessionId":""#)
    json.writeString(sessionID)
    json.writeString(#"","timestamp":""#)
    json.writeString(Timestamp.rfc3339(milliseconds: milliseconds))
    json.writeString(#"","payload":"#)
    if type == "message_created" {
      guard writeMessage(of: sessionID, into: &json) else { return nil }
    } else {
      json.writeImmutableBuffer(data)
    }
    json.writeString("}")
    return StoredEvent(position: position, type: type, subject: subject, data: json)
  }

  private func writeMessage(of sessionID: String, into json: inout ByteBuffer) -> Bool {
    let view = data.readableBytesView
    guard let subject, let end = view.firstIndex(of: UInt8(ascii: "\n")), view.first == UInt8(ascii: "{"),
      let kept = data.getSlice(at: end + 1, length: view.endIndex - end - 1),
      let message = KeptMessage(kept, milliseconds: milliseconds)
    else { return false }
    json.writeString(#"{"message":"#)
    message.write(of: sessionID, into: &json)
    json.writeString(#","participant":{"id":""#)
    json.writeString(subject)
    json.writeString(#"","sharedSessionId":""#)
    json.writeString(sessionID)
    json.writeString(#"","#)
    json.writeBytes(view[(view.startIndex + 1)..<end])
    json.writeString("}")
    return true
  }
}
