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
      try write(parts, at: index, of: sessionID, into: &list)
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
    let parts = try await runner.session(
      ScriptLibrary.messagePost, sessionID, as: .participant(credentials), once: idempotency.map(Idempotency.init),
      ["id": .string(Secrets.newID()), "text": .quoted(text)]
    ).parts(atLeast: 2)
    var message = ByteBuffer()
    try write(parts, at: 0, of: sessionID, into: &message)
    return ReplyBody.object([("message", message)])
  }

  /// Writes a message a script has answered with, its place first, then its text.
  private func write(
    _ parts: [RedisValue], at index: Int, of sessionID: String, into json: inout ByteBuffer
  ) throws(SharedSessionError) {
    guard let message = KeptMessage(try parts.part(index + 1), place: try parts.text(index)) else {
      throw SharedSessionError(.internalError)
    }
    message.write(of: sessionID, into: &json)
  }
}
