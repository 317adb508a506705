public import NIOCore

/// Writes frames of a server-sent event stream into a buffer; functions without state.
///
/// A frame is complete: whatever is written between two frames cannot change either of them.
public enum ServerSentEventEncoder {
  /// Why a frame can't be written.
  public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
    /// An id or a type holds a line end, a NUL or another control character, with which its author could forge fields.
    case controlCharacter

    /// One sentence for a person.
    public var description: String { "An event's id or type holds a control character." }
  }

  /// Writes one event. Nothing is written when it throws.
  ///
  /// - Throws: `Failure.controlCharacter` when the id or the type holds a control character.
  public static func write(_ event: ServerSentEvent, into buffer: inout ByteBuffer) throws(Failure) {
    if let id = event.id { try check(id) }
    if let type = event.type { try check(type) }
    if let id = event.id { writeField("id: ", id, into: &buffer) }
    if let type = event.type { writeField("event: ", type, into: &buffer) }
    writeData(event.data, into: &buffer)
    buffer.writeInteger(UInt8(ascii: "\n"))
  }

  /// Writes how long a client should wait before it reconnects, in milliseconds; a frame of its own.
  public static func writeRetry(milliseconds: Int64, into buffer: inout ByteBuffer) {
    writeField("retry: ", String(max(0, milliseconds)), into: &buffer)
    buffer.writeInteger(UInt8(ascii: "\n"))
  }

  /// Writes the comment that keeps proxies from closing a quiet stream; clients ignore it.
  public static func writeHeartbeat(into buffer: inout ByteBuffer) {
    buffer.writeStaticString(": heartbeat\n\n")
  }

  private static func check(_ field: String) throws(Failure) {
    for byte in field.utf8 where byte < 0x20 || byte == 0x7F { throw .controlCharacter }
  }

  private static func writeField(_ name: StaticString, _ value: String, into buffer: inout ByteBuffer) {
    buffer.writeStaticString(name)
    buffer.writeString(value)
    buffer.writeInteger(UInt8(ascii: "\n"))
  }

  /// One `data:` line for each line of the payload. A bare CR ends a line for the reader, so it does here.
  private static func writeData(_ data: ByteBuffer, into buffer: inout ByteBuffer) {
    let view = data.readableBytesView
    var start = view.startIndex
    while true {
      let end = view[start...].firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? view.endIndex
      buffer.writeStaticString("data: ")
      buffer.writeBytes(view[start..<end])
      buffer.writeInteger(UInt8(ascii: "\n"))
      guard end < view.endIndex else { return }
      start = end + 1
      if view[end] == UInt8(ascii: "\r"), start < view.endIndex, view[start] == UInt8(ascii: "\n") { start += 1 }
    }
  }
}
