import NIOCore

/// An event as Redis keeps and publishes it: a line `place type subject`, then its payload, without what every event of a session
/// repeats. A value.
///
/// The place is its id, or its time alone for one that is only published; the subject the participant it is about, or `-`. An event that tells of a message holds its author, and is followed by the message as it is kept, in lines of its own; both are
/// without the session's id, and the message's time is the event's.
struct KeptEvent {
  /// Unix time in milliseconds.
  private let milliseconds: Int
  /// Nil for one that is only published.
  private let position: EventPosition?
  private let type: String
  private let subject: String?
  private let data: ByteBuffer

  /// Reads an event; nil when it is none.
  init?(_ kept: ByteBuffer) {
    let view = kept.readableBytesView
    guard let end = view.prefix(512).firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let head = String(decoding: view[..<end], as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
    guard head.count == 3, let data = kept.getSlice(at: end + 1, length: kept.writerIndex - end - 1) else { return nil }
    position = EventPosition(cursor: head[0])
    guard let milliseconds = position.flatMap({ Int(exactly: $0.id.milliseconds) }) ?? Int(head[0]), milliseconds >= 0,
      data.readableBytes > 0
    else { return nil }
    self.milliseconds = milliseconds
    self.type = String(head[1])
    self.subject = head[2] == "-" ? nil : String(head[2])
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
