public import JSONText
internal import Logging
public import NIOCore
internal import RedisClient

/// Prompts, and what the host decides of them. A value; an approved prompt is queued for dispatch in the same script
/// that approves it, so it can neither be lost nor be queued twice.
///
/// What other slots must know of it, that there is work for the host's bridge and when somebody should look at the session, is sent
/// at once after that. A node that dies in between leaves a prompt that waits: the bridge finds it when it looks next, and a
/// sweeper, which looks at every session now and then, offers it or gives it up.
public struct ApprovalStore: Sendable {
  let runner: ScriptRunner
  let index: SessionIndex
  private var settings: SharedSessionSettings { runner.settings }

  /// `POST .../prompts`.
  ///
  /// - Parameter content: its blocks; `nil` for a prompt that is only a text.
  /// - Returns: `{status, approval}`; `status` is `pending` or `approved`.
  /// - Throws: `PROMPT_NOT_ALLOWED`, `CONTENT_NOT_SUPPORTED`, `APPROVAL_LIMIT`, `MESSAGE_LIMIT`.
  public func submitPrompt(
    _ sessionID: String, credentials: ParticipantCredentials, prompt: String, delivery: PromptDelivery = .queue,
    content: PromptContent? = nil,
    idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let once = idempotency.map(Idempotency.init)
    // A repeat keeps its attachments under the same id.
    let id = content == nil ? Secrets.newID() : once?.derivedID("prompt") ?? Secrets.newID()
    if let content, let first = try await keep(content, for: id, sessionID, credentials, once) {
      return ReplyBody.object([("status", ReplyBody.quoted(try first.text(0))), ("approval", try first.part(1))])
    }
    let outcome = try await runner.session(
      ScriptLibrary.promptSubmit, sessionID, as: .participant(credentials), once: once,
      [
        "id": .string(id), "prompt": .quoted(prompt), "content": Self.member(content),
        "prompt_hash": .string(content?.hash ?? Secrets.digest(prompt)),
        "delivery": delivery == .interrupt ? ",\"delivery\":\"interrupt\"" : "", "other_id": .string(Secrets.newID()),
      ])
    return try await proposed(outcome, in: sessionID)
  }

  /// `POST .../controls`: how the agent works is to be changed; taken as a prompt of the same author would be.
  ///
  /// - Returns: `{status, approval}`.
  /// - Throws: `PROMPT_NOT_ALLOWED`, `CONTROL_NOT_AVAILABLE`, `APPROVAL_LIMIT`.
  public func submitControl(
    _ sessionID: String, credentials: ParticipantCredentials, control: ControlRequest,
    idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let outcome = try await runner.session(
      ScriptLibrary.controlSubmit, sessionID, as: .participant(credentials), once: idempotency.map(Idempotency.init),
      [
        "id": .string(Secrets.newID()), "control_kind": .string(control.kind), "target": .quoted(control.optionID),
        "value": .bytes(control.value.bytes), "prompt": .quoted(control.sentence),
        "prompt_hash": .string(Secrets.digest(control.sentence)), "other_id": .string(Secrets.newID()),
      ])
    return try await proposed(outcome, in: sessionID)
  }

  /// What follows from a proposal: the bridge is told of one that was approved, a sweeper of when one that waits is over.
  private func proposed(_ outcome: ScriptOutcome, in sessionID: String) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try outcome.parts(atLeast: 3)
    let status = try parts.text(0)
    if case .ok = outcome {
      if status == "approved" {
        await queued(sessionID, for: try parts.text(2), withdrawn: try parts.texts(from: 4))
      } else if let due = Int(try parts.text(3)) {
        let index = index
        await runner.hint(
          "deadline", of: sessionID, [{ try await index.scheduleCheck(sessionID, within: .milliseconds(due)) }])
      }
    }
    return ReplyBody.object([("status", ReplyBody.quoted(status)), ("approval", try parts.part(1))])
  }

  /// `POST .../approvals/{aid}`: exactly one resolver ever wins, over all nodes.
  ///
  /// - Parameters:
  ///   - action: what to do; `nil` follows from the option.
  ///   - optionID: for a permission request: which of the agent's options; `nil` takes the narrowest that fits the action.
  ///   - dropContent: places of the blocks that the agent does not get.
  ///   - answer: for a question: its fields; `nil` for one that has none.
  ///   - editedPrompt: what the agent gets in place of the prompt; both are kept.
  ///   - promptHash: SHA-256 of the prompt the resolver was shown, in hexadecimal; `nil` when they do not say.
  /// - Returns: `{approval}`.
  /// - Throws: `HOST_REQUIRED`, `APPROVAL_NOT_FOUND`, `APPROVAL_ALREADY_RESOLVED`, `PROMPT_CHANGED`, `REASON_REQUIRED`,
  ///   `INVALID_FIELD` for what belongs to the other kind of approval, `INVALID_OPTION`, `OPTION_REQUIRED`,
  ///   `INVALID_ANSWER` with a sentence that names the field, `APPROVAL_LIMIT` for an edit that has no room.
  public func resolve(
    _ sessionID: String, approvalID: String, credentials: ParticipantCredentials, action: ApprovalAction?,
    reason: String?, editedPrompt: String?, promptHash: String? = nil, optionID: String? = nil, answer: JSONText? = nil,
    dropContent: Set<Int> = [], idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    var given: RedisArgument = ""
    var unfit: String?
    if let answer, action == .approve {
      switch try await check(answer, sessionID, approvalID) {
      case .fits(let checked): given = .bytes(checked.bytes)
      case .unfit(let why): (given, unfit) = ("-", why)
      }
    }
    var blocks: JSONText?
    if !dropContent.isEmpty, action == .approve {
      blocks = try await dropping(dropContent, of: approvalID, sessionID, keepsText: editedPrompt != nil)
    }
    let editedHash = editedPrompt.map(Secrets.digest) ?? blocks.map(PromptContent.hash) ?? ""
    let some = { (text: String?) in RedisArgument.quoted(text.flatMap { $0.isEmpty ? nil : $0 }) }
    let (dispatchID, seen) = (RedisArgument.string(Secrets.newID()), promptHash?.lowercased() ?? "")
    let once = idempotency.map(Idempotency.init)
    var outcome: ScriptOutcome?
    if blocks == nil {
      outcome = try await runner.session(
        ScriptLibrary.approvalResolve, sessionID, as: .participant(credentials), once: once,
        [
          "id": approval(approvalID), "action": .string(action?.rawValue ?? ""), "reason": some(reason),
          "edited": some(editedPrompt), "dispatch_id": dispatchID, "seen_hash": .string(seen), "option": some(optionID),
          "given": given,
        ])
    }
    // Where more than one must agree, an approval is counted in a script of its own.
    if outcome == nil || outcome?.refusal == "votes" {
      outcome = try await runner.session(
        ScriptLibrary.approvalVote, sessionID, as: .participant(credentials), once: once,
        [
          "id": approval(approvalID), "reason": some(reason), "edited": some(editedPrompt), "dispatch_id": dispatchID,
          "seen_hash": .string(seen), "edited_hash": .string(editedHash),
          "blocks": blocks.map { .bytes($0.bytes) } ?? "",
        ])
    }
    guard let outcome else { throw SharedSessionError(.internalError) }
    if outcome.refusal == ErrorCode.invalidAnswer.rawValue { throw SharedSessionError(.invalidAnswer, unfit) }
    let parts = try outcome.parts(atLeast: 3)
    if case .ok = outcome {
      let hostSessionID = try parts.text(2)
      if RequestKind(rawValue: try parts.text(1)) != nil {
        await runner.announce(requests: [approvalID], of: sessionID, to: hostSessionID)
      } else if action == .approve, try parts.text(1) != "vote" {
        await queued(sessionID, for: hostSessionID, withdrawn: try parts.texts(from: 3))
      }
    }
    return ReplyBody.object([("approval", try parts.part(0))])
  }

  /// Holds an answer against the question, without deciding anything: what is wrong with it is said only to those who may answer.
  private func check(
    _ answer: JSONText, _ sessionID: String, _ approvalID: String
  ) async throws(SharedSessionError) -> QuestionAnswer {
    let asked = try await runner.session(ScriptLibrary.questionSchema, sessionID, ["id": approval(approvalID)])
    guard asked.refusal == nil else { return .unfit("") }
    let parts = try asked.parts(atLeast: 2)
    return try QuestionAnswer(answer, form: try parts.text(0), approval: try parts.part(1))
  }

  /// `POST .../approvals/{aid}/withdraw`: the author takes a pending prompt back.
  ///
  /// - Returns: `{approval}`.
  /// - Throws: `APPROVAL_NOT_FOUND`, `AUTHOR_REQUIRED`, `APPROVAL_ALREADY_RESOLVED`.
  public func withdraw(
    _ sessionID: String, approvalID: String, credentials: ParticipantCredentials,
    idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let parts = try await runner.session(
      ScriptLibrary.approvalWithdraw, sessionID, as: .participant(credentials),
      once: idempotency.map(Idempotency.init), ["id": approval(approvalID)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("approval", try parts.part(0))])
  }

  /// `POST .../cancel`: asks the agent to stop the turn that runs for this session, and withdraws what the agent asked in it.
  ///
  /// Three trips, since it goes from the session to the host session's slot and back: who asks is checked first, because a
  /// repeat must not reach the agent, where another turn may run by now; the answer is kept last, because a repeat that
  /// finds none asks the agent again, which is harmless so soon.
  ///
  /// - Returns: `{cancelling}`; false when none runs.
  public func cancelTurn(
    _ sessionID: String, credentials: ParticipantCredentials, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let (runner, repeatable) = (runner, idempotency.map(Idempotency.init))
    let looked = try await runner.session(
      ScriptLibrary.callerCheck, sessionID, as: .participant(credentials), once: repeatable,
      ["who": "host", "ready": ""])
    let first = try looked.parts(atLeast: 1)
    if case .repeated = looked { return ReplyBody.object([("cancelling", try first.part(0))]) }
    let hostSessionID = try first.text(1)
    var turn = (asked: "false", approval: "", dispatch: "")
    let running = try await runner.host(
      ScriptLibrary.hostCancel, hostSessionID, ["session_id": .string(sessionID)])
    if running.refusal != ErrorCode.hostSessionNotFound.rawValue {
      let parts = try running.parts(atLeast: 3)
      turn = (try parts.text(0), try parts.text(1), try parts.text(2))
    }
    let outcome = try await runner.session(
      ScriptLibrary.turnCancel, sessionID, as: .participant(credentials), once: repeatable,
      ["id": approval(turn.approval), "dispatch_id": .string(turn.dispatch), "asked": .string(turn.asked)])
    let parts = try outcome.parts(atLeast: 1)
    if case .ok = outcome {
      await runner.announce(requests: try parts.texts(from: 1), of: sessionID, to: hostSessionID)
    }
    return ReplyBody.object([
      ("cancelling", idempotency == nil ? ByteBuffer(string: turn.asked) : try parts.part(0))
    ])
  }

  /// The blocks as a further member of the approval.
  private static func member(_ content: PromptContent?) -> RedisArgument {
    guard let content else { return "" }
    var text = ByteBuffer(string: ",\"content\":")
    text.writeImmutableBuffer(content.shown.bytes)
    return .bytes(text)
  }

  /// An approval named in a path; a text that cannot be an id is no approval's.
  func approval(_ id: String) -> RedisArgument { .string(Secrets.isID(id) ? id : "-") }

  /// Tells the other slots of an approved prompt or control. The look it wakes the bridge's node for also finds a turn that was
  /// interrupted for it.
  ///
  /// - Parameter withdrawn: what the agent has asked in that turn.
  func queued(_ sessionID: String, for hostSessionID: String, withdrawn: [String]) async {
    let (runner, index, wait) = (runner, index, settings.longestWait)
    await runner.hint(
      "queue", of: sessionID,
      [
        { try await runner.wake(hostSessionID) },
        { try await index.scheduleCheck(sessionID, within: wait) },
      ])
    // Behind that look, so that the bridge hears of the stop first.
    if !withdrawn.isEmpty { await runner.announce(requests: withdrawn, of: sessionID, to: hostSessionID) }
  }
}

extension ScriptRunner {
  /// Wakes the node that a bridge is attached to, after the slot is freed of a dispatch that is over.
  ///
  /// - Parameter fence: frees the slot only while this attachment is the newest; nil whichever is.
  func wake(
    _ hostSessionID: String, freeing dispatchID: String = "", fence: String? = nil
  ) async throws(SharedSessionError) {
    let outcome = try await host(
      ScriptLibrary.hostRelease, hostSessionID, ["dispatch_id": .string(dispatchID), "fence": .string(fence ?? "")])
    if outcome.refusal != ErrorCode.hostSessionNotFound.rawValue { _ = try outcome.parts() }
  }

  /// Tells the node the bridge is attached to that requests of the agent are resolved. A hint: the bridge also asks by itself.
  func announce(requests: [String], of sessionID: String, to hostSessionID: String) async {
    guard !requests.isEmpty else { return }
    let runner = self
    await hint(
      "answers", of: sessionID,
      [
        {
          let arguments: ScriptArguments = ["session_id": .string(sessionID)]
          _ = try await runner.host(
            ScriptLibrary.hostSignal, hostSessionID,
            arguments.adding("requests", requests.map { .string($0) }))
        }
      ])
  }
}
