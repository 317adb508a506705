import Basics
import JSONText
import NIOCore
import ServerSentEvents
import SharedSessions

/// Frames that the server itself writes into a stream; functions without state. None that holds data has an `id:`.
enum ServerFrames {
  static func writeHeartbeat(into buffer: inout ByteBuffer) {
    ServerSentEventEncoder.writeHeartbeat(into: &buffer)
  }

  /// How long the client is to wait before it reconnects.
  static func writeRetry(_ retry: Duration, into buffer: inout ByteBuffer) {
    ServerSentEventEncoder.writeRetry(milliseconds: retry.wholeMilliseconds, into: &buffer)
  }

  /// The first frame of a connection.
  static func writeConnected(
    sessionID: String, participantID: String, position: EventID, into buffer: inout ByteBuffer
  ) {
    write("connected", sessionID, into: &buffer) { payload in
      payload.add("participantId", participantID)
      payload.add("cursor", StreamCursor.text(position))
    }
  }

  /// The asked-for cursor is not kept: the client has to read the snapshot again.
  static func writeReset(
    sessionID: String, reason: StreamReset, position: EventID, into buffer: inout ByteBuffer
  ) {
    write("stream_reset", sessionID, into: &buffer) { payload in
      payload.add("reason", reason.rawValue)
      payload.add("cursor", position.description)
    }
  }

  /// A session of several cannot be streamed.
  static func writeRefused(_ session: RefusedStream, into buffer: inout ByteBuffer) {
    write("stream_refused", session.sessionID, into: &buffer) { payload in
      payload.add("code", session.code)
      payload.add("error", session.message)
    }
  }

  /// Where the client stands, without an event: an EventSource takes the id and calls nobody.
  static func writePosition(_ cursor: String, into buffer: inout ByteBuffer) {
    buffer.writeString("id: \(cursor)\n\n")
  }

  private static func write(
    _ type: String, _ sessionID: String, into buffer: inout ByteBuffer, payload: (inout JSONObjectWriter) -> Void
  ) {
    let json = JSONText { event in
      event.add("type", type)
      event.add("sharedSessionId", sessionID)
      event.add("timestamp", Timestamp.now())
      event.add("payload", object: payload)
    }
    // No id and no type: the encoder has nothing to refuse.
    try? ServerSentEventEncoder.write(ServerSentEvent(data: json.bytes), into: &buffer)
  }
}

/// Why a cursor could not be resumed from; the raw value is what clients see.
enum StreamReset: String, Sendable {
  /// The cursor is no event id.
  case malformed = "cursor_malformed"
  /// The event is not kept any more, or never was part of this session.
  case unknown = "cursor_unknown"
}
