internal import JSONText
public import NIOCore
internal import RedisClient

/// Prompts made of blocks, and their attachments.
extension ApprovalStore {
  /// Keeps a prompt's attachments before the prompt itself; those of one that is then refused go like those of one that is over.
  ///
  /// - Parameter approvalID: the approval there will be.
  /// - Returns: the answer there was to the request before, if this one repeats it.
  /// - Throws: `PROMPT_NOT_ALLOWED`, `CONTENT_NOT_SUPPORTED` naming a kind that the agent does not take, `APPROVAL_LIMIT`.
  func keep(
    _ content: PromptContent, for approvalID: String, _ sessionID: String, _ credentials: ParticipantCredentials,
    _ once: Idempotency?
  ) async throws(SharedSessionError) -> [RedisValue]? {
    guard !content.files.isEmpty else { return nil }
    let takes = try await kindsTaken(in: sessionID)
    let unsupported = content.kinds.first { !takes.contains($0) } ?? ""
    let arguments: ScriptArguments = [
      "id": .string(approvalID), "unsupported": .string(unsupported),
      "blocks": .string(content.files.map { String($0.index) }.joined(separator: ".")),
    ]
    let outcome = try await runner.session(
      ScriptLibrary.attachmentPut, sessionID, as: .participant(credentials), once: once,
      arguments.adding("files", content.files.map { .bytes($0.kept) }))
    let parts = try outcome.parts()
    if case .repeated = outcome { return parts }
    return nil
  }

  /// The kinds of blocks that a session's agent takes beside texts and links, as it said when it was registered.
  private func kindsTaken(in sessionID: String) async throws(SharedSessionError) -> Set<String> {
    let hostSessionID = try await runner.session(ScriptLibrary.sessionRead, sessionID).parts(atLeast: 4).text(3)
    let host = try await runner.host(ScriptLibrary.hostRead, hostSessionID)
    guard host.refusal == nil else { return [] }
    return Set(try host.parts(atLeast: 9).text(8).split(separator: " ").map(String.init))
  }

  /// `GET .../approvals/{aid}/content/{n}`: one attachment.
  ///
  /// - Throws: `APPROVAL_NOT_FOUND`, `CONTENT_NOT_FOUND` for a block that is no attachment, or whose bytes are gone.
  public func attachment(
    _ sessionID: String, approvalID: String, block: Int, reader: Reader
  ) async throws(SharedSessionError) -> Attachment {
    try await attachment(sessionID, approvalID, block, ScriptRunner.Caller(reader))
  }

  private func attachment(
    _ sessionID: String, _ approvalID: String, _ block: Int, _ caller: ScriptRunner.Caller
  ) async throws(SharedSessionError) -> Attachment {
    let parts = try await runner.session(
      ScriptLibrary.attachmentRead, sessionID, as: caller, ["id": approval(approvalID), "block": .integer(block)]
    ).parts(atLeast: 2)
    let content = (try? JSONText(validating: try parts.part(0)))?["content"]?.elements ?? []
    guard content.indices.contains(block), let found = Attachment(shown: content[block], kept: try parts.part(1)) else {
      throw SharedSessionError(.contentNotFound)
    }
    return found
  }

  /// `GET /api/host-sessions/{hid}/dispatches/{did}/content/{n}`: an attachment as the agent takes it.
  ///
  /// - Returns: `{block}`.
  /// - Throws: `DISPATCH_NOT_FOUND`, `CONTENT_NOT_FOUND`.
  public func block(
    _ hostSessionID: String, dispatchID: String, block: Int, token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    guard let place = try await runner.place(of: dispatchID, hostSessionID, token: token).dispatch else {
      throw SharedSessionError(.dispatchNotFound)
    }
    let found = try await attachment(place.session, place.approval, block, .trusted)
    return ReplyBody.object([("block", found.block.bytes)])
  }

  /// What an edit leaves of a prompt's blocks, and its digest; nil for a prompt without blocks, or that there is not: the script
  /// says so.
  func dropping(
    _ dropped: Set<Int>, of approvalID: String, _ sessionID: String, keepsText: Bool
  ) async throws(SharedSessionError) -> JSONText? {
    let asked = try await runner.session(ScriptLibrary.questionSchema, sessionID, ["id": approval(approvalID)])
    guard asked.refusal == nil else { return nil }
    let text = try asked.parts(atLeast: 2).part(1)
    guard let content = (try? JSONText(validating: text))?["content"] else {
      throw SharedSessionError(.invalidField, "'dropContent' is for prompts with blocks, and this one has none.")
    }
    return try PromptContent.dropping(dropped, of: content, keepsText: keepsText)
  }
}
