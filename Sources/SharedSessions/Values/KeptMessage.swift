import NIOCore

/// A message as Redis keeps it, without its time and the session: one line `id participant kind approval` (`-` none), one with
/// the author's user id and one with the text, both JSON. A value.
struct KeptMessage {
  private let id: Substring
  private let participantID: Substring
  private let kind: Substring
  private let approvalID: Substring
  private let user: ByteBuffer
  private let text: ByteBuffer
  private let milliseconds: Int

  /// A message from its lines; nil when they are none.
  ///
  /// - Parameter milliseconds: Unix time, which its place in the stream begins with.
  init?(_ kept: ByteBuffer, milliseconds: Int) {
    var rest = kept
    guard let head = rest.readLine(), let user = rest.readLine(), rest.readableBytes > 0 else { return nil }
    let words = String(buffer: head).split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 4 else { return nil }
    (id, participantID, kind, approvalID) = (words[0], words[1], words[2], words[3])
    (self.user, text, self.milliseconds) = (user, rest, milliseconds)
  }

  /// A message from its lines and its place in the stream of messages.
  init?(_ kept: ByteBuffer, place: String) {
    guard let milliseconds = EventID(place).flatMap({ Int(exactly: $0.milliseconds) }) else { return nil }
    self.init(kept, milliseconds: milliseconds)
  }

  /// A comment that was just made.
  ///
  /// - Parameters:
  ///   - user: the author's user id as JSON.
  ///   - text: as JSON.
  init?(commentAt place: String, id: String, by participantID: String, user: ByteBuffer, text: ByteBuffer) {
    guard let milliseconds = EventID(place).flatMap({ Int(exactly: $0.milliseconds) }) else { return nil }
    (self.id, self.participantID, kind, approvalID) = (id[...], participantID[...], "comment", "-")
    (self.user, self.text, self.milliseconds) = (user, text, milliseconds)
  }

  /// Writes the message as it is sent.
  func write(of sessionID: String, into json: inout ByteBuffer) {
    json.writeString(#"{"id":""#)
    json.writeSubstring(id)
    json.writeString(#"","sharedSessionId":""#)
    json.writeString(sessionID)
    json.writeString(#"","participantId":""#)
    json.writeSubstring(participantID)
    json.writeString(#"","authorUserId":"#)
    json.writeImmutableBuffer(user)
    json.writeString(#","kind":""#)
    json.writeSubstring(kind)
    json.writeString(#"","text":"#)
    json.writeImmutableBuffer(text)
    json.writeString(#","createdAt":""#)
    json.writeString(Timestamp.rfc3339(milliseconds: milliseconds))
    if approvalID != "-" {
      json.writeString(#"","approvalId":""#)
      json.writeSubstring(approvalID)
    }
    json.writeString(#""}"#)
  }
}

extension ByteBuffer {
  /// Reads up to the next line end, which is not part of it; nil when there is none.
  fileprivate mutating func readLine() -> ByteBuffer? {
    guard let end = readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let line = readSlice(length: end - readerIndex)
    moveReaderIndex(forwardBy: 1)
    return line
  }
}
