import NIOCore
import SharedSessions

@testable import EventStreaming

/// The event with a number: its id follows from it.
func event(_ seq: Int, _ type: String = "message_created", subject: String? = nil) -> StreamEvent {
  StreamEvent(
    position: StreamPosition(id: id(seq), seq: Int64(seq)), type: type, subject: subject,
    json: ByteBuffer(string: "{\"n\":\(seq)}"))
}

/// An event that is published but not kept.
func passing(_ type: String = "participant_online") -> StreamEvent {
  StreamEvent(position: nil, type: type, subject: nil, json: ByteBuffer(string: "{\"passing\":true}"))
}

func id(_ seq: Int) -> EventID {
  seq == 0 ? .zero : EventID(milliseconds: 1_000 + UInt64(seq / 3), sequence: UInt64(seq % 3))
}

func position(_ seq: Int) -> StreamPosition {
  StreamPosition(id: id(seq), seq: Int64(seq))
}

/// A page of consecutive events.
func page(_ range: ClosedRange<Int>, isLast: Bool = true) -> StreamPage {
  StreamPage(events: range.map { event($0) }, isLast: isLast)
}

/// The page of a stream that holds no more.
let nothingMore = StreamPage(events: [], isLast: true)
/// The answer for an event that is not kept.
let unknown = StreamPage(events: [], isKnown: false, isLast: true)
