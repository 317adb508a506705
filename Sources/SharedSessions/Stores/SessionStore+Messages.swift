internal import JSONText
public import NIOCore
internal import RedisClient

/// What is said in a session.
extension SessionStore {
  /// `GET .../messages`: oldest first.
  ///
  /// - Parameters:
  ///   - after: a `nextCursor` of this list; `nil` begins at the start.
  ///   - limit: how many at most.
  /// - Returns: `{messages, nextCursor?}`.
  /// - Throws: `INVALID_QUERY` for a cursor that is none.
  public func messages(
    _ sessionID: String, reader: Reader, after: String?, limit: Int
  ) async throws(SharedSessionError) -> ByteBuffer {
    if let after, EventID(after) == nil {
      throw SharedSessionError(.invalidQuery, "'after' must be a 'nextCursor' of this list.")
    }
    let parts = try await runner.session(
      ScriptLibrary.messageList, sessionID, as: ScriptRunner.Caller(reader),
      ["after": .string(after ?? "-"), "most": .integer(limit), "most_bytes": .integer(Self.replyBytes)]
    ).parts(atLeast: 1)
    let next = try parts.text(0)
    var list = ByteBuffer(string: "[")
    for index in stride(from: 1, to: parts.count, by: 2) {
      if index > 1 { list.writeString(",") }
      let kept = KeptMessage(try parts.part(index + 1), place: try parts.text(index))
      list.writeImmutableBuffer(try json(kept, of: sessionID))
    }
    list.writeString("]")
    return ReplyBody.object([("messages", list), ("nextCursor", next.isEmpty ? nil : ReplyBody.quoted(next))])
  }

  /// `POST .../messages`.
  ///
  /// - Returns: `{message}`.
  /// - Throws: `COMMENT_NOT_ALLOWED`, `MESSAGE_LIMIT`.
  public func postMessage(
    _ sessionID: String, credentials: ParticipantCredentials, text: String, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let quoted = JSONText(string: text).bytes
    let parts = try await runner.session(
      ScriptLibrary.messagePost, sessionID, as: .participant(credentials), once: idempotency.map(Idempotency.init),
      ["id": .string(Secrets.newID()), "text": .bytes(quoted)]
    ).parts(atLeast: 3)
    // A repeat says the same text, or its key would have been refused.
    let kept = KeptMessage(
      commentAt: try parts.text(0), id: try parts.text(1), by: credentials.participantID, user: try parts.part(2),
      text: quoted)
    return ReplyBody.object([("message", try json(kept, of: sessionID))])
  }

  private func json(_ message: KeptMessage?, of sessionID: String) throws(SharedSessionError) -> ByteBuffer {
    guard let message else { throw SharedSessionError(.internalError) }
    var json = ByteBuffer()
    message.write(of: sessionID, into: &json)
    return json
  }
}
