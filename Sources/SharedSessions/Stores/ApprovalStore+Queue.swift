public import NIOCore
internal import RedisClient

/// The approved prompts that wait for their dispatch.
extension ApprovalStore {
  /// `GET .../queue`: in order, with their positions counted from 1. A prompt whose turn runs is not in it any more.
  ///
  /// - Returns: `{queue}`, each entry `{position, approval}`.
  public func queue(_ sessionID: String, reader: Reader) async throws(SharedSessionError) -> ByteBuffer {
    let runner = runner
    let parts = try await runner.withMembers(sessionID) { members async throws(SharedSessionError) in
      try await runner.session(
        ScriptLibrary.queueList, sessionID, for: reader,
        keys: [runner.keys.queue(sessionID)] + members.queued.map { runner.keys.approval(sessionID, $0) },
        arguments: members.queued.map { .string($0) })
    }.parts(atLeast: 1)
    return ReplyBody.object([("queue", try parts.part(0))])
  }

  /// `DELETE .../queue/{aid}`: takes an approved prompt back before it has started; its author, the host or whoever may decide.
  ///
  /// - Returns: `{approval}`.
  /// - Throws: `APPROVAL_NOT_FOUND`, `AUTHOR_REQUIRED`, `DISPATCH_CONFLICT` once it has started or is over.
  public func withdrawQueued(
    _ sessionID: String, approvalID: String, credentials: ParticipantCredentials
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.queueWithdraw, sessionID, by: credentials,
      keys: [approvalKey(sessionID, approvalID), runner.keys.queue(sessionID)], arguments: [.string(approvalID)]
    ).parts(atLeast: 2)
    // The slot may be held for it.
    await queued(sessionID, over: try parts.text(1))
    return ReplyBody.object([("approval", try parts.part(0))])
  }
}
