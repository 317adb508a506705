public import NIOCore
internal import RedisClient

/// The approved prompts that wait for their dispatch.
extension ApprovalStore {
  /// `GET .../queue`: in order, with their positions counted from 1. A prompt whose turn runs is not in it any more.
  ///
  /// - Returns: `{queue, truncated?}`, each entry `{position, approval}`.
  public func queue(_ sessionID: String, reader: Reader) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.queueList, sessionID, as: ScriptRunner.Caller(reader),
      ["most_bytes": .integer(SessionStore.replyBytes)]
    ).parts(atLeast: 2)
    return ReplyBody.object([
      ("queue", try parts.part(0)),
      ("truncated", try parts.text(1) == "true" ? ByteBuffer(string: "true") : nil),
    ])
  }

  /// `DELETE .../queue/{aid}`: takes an approved prompt back before it has started; its author, the host or whoever may decide.
  ///
  /// - Returns: `{approval}`.
  /// - Throws: `APPROVAL_NOT_FOUND`, `AUTHOR_REQUIRED`, `DISPATCH_CONFLICT` once it has started or is over.
  public func withdrawQueued(
    _ sessionID: String, approvalID: String, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.queueWithdraw, sessionID, as: .participant(credentials), ["id": approval(approvalID)]
    ).parts(atLeast: 3)
    // The slot may be held for it.
    let (dispatchID, hostSessionID) = (try parts.text(1), try parts.text(2))
    let runner = runner
    await runner.hint("queue", of: sessionID, [{ try await runner.wake(hostSessionID, freeing: dispatchID) }])
    return ReplyBody.object([("approval", try parts.part(0))])
  }
}
