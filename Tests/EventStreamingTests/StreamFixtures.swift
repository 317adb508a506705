import NIOCore
import SharedSessions

@testable import EventStreaming

/// The event with a number: its id follows from it.
func event(_ seq: Int, _ type: String = "message_created", subject: String? = nil) -> StoredEvent {
  StoredEvent(
    position: EventPosition(id: id(seq), sequence: Int64(seq)), type: type, subject: subject,
    data: ByteBuffer(string: "{\"n\":\(seq)}"))
}

private let largeText = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)

/// An event of a mebibyte; all of them share their bytes.
func large(_ seq: Int) -> StoredEvent {
  var event = event(seq)
  event.data = largeText
  return event
}

/// An event that is published but not kept.
func passing(_ type: String = "participant_online") -> StoredEvent {
  StoredEvent(position: nil, type: type, subject: nil, data: ByteBuffer(string: "{\"passing\":true}"))
}

func id(_ seq: Int) -> EventID {
  seq == 0 ? .zero : EventID(milliseconds: 1_000 + UInt64(seq / 3), sequence: UInt64(seq % 3))
}

func position(_ seq: Int) -> EventPosition {
  EventPosition(id: id(seq), sequence: Int64(seq))
}

/// A page of consecutive events.
func page(_ range: ClosedRange<Int>, isLast: Bool = true) -> EventPage {
  EventPage(events: range.map { event($0) }, reachedEnd: isLast)
}

/// The page of a stream that holds no more.
let nothingMore = EventPage(events: [], reachedEnd: true)
/// The answer for an event that is not kept.
let unknown = EventPage(events: [], isCursorKnown: false, reachedEnd: true)

/// A thought of the agent's, which some viewers do not see.
func thought(_ seq: Int) -> StoredEvent { update(seq, #"{"sessionUpdate":"agent_thought_chunk","content":{}}"#) }

/// An update of the agent's.
func update(_ seq: Int, _ update: String) -> StoredEvent {
  made(seq, "host_session_update", payload: #"{"notification":{"params":{"update":\#(update)}}}"#)
}

/// The host changes what viewers see.
func setting(_ seq: Int, _ updates: ViewerUpdates) -> StoredEvent {
  made(seq, "session_updated", payload: #"{"session":{"viewerUpdates":"\#(updates.rawValue)"}}"#)
}

/// The host changes somebody's role.
func role(_ seq: Int, _ role: Role, of participantID: String = "p") -> StoredEvent {
  var event = made(seq, "participant_updated", payload: #"{"participant":{"role":"\#(role.rawValue)"}}"#)
  event.subject = participantID
  return event
}

private func made(_ seq: Int, _ type: String, payload: String) -> StoredEvent {
  var event = event(seq, type)
  event.data = ByteBuffer(string: #"{"n":\#(seq),"type":"\#(type)","payload":\#(payload)}"#)
  return event
}
