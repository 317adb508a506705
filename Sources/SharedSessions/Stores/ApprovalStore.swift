internal import Logging
public import NIOCore
internal import RedisClient

/// Prompts, and what the host decides of them. A value; an approved prompt is queued for dispatch in the same script
/// that approves it, so it can neither be lost nor be queued twice. The deadline by which a bridge must have begun is set
/// before, so that a node that dies in between leaves no prompt that nobody would give up.
public struct ApprovalStore: Sendable {
  let runner: ScriptRunner
  let index: SessionIndex
  private var settings: SharedSessionSettings { runner.settings }

  /// `POST .../prompts`.
  ///
  /// - Returns: `{status, approval}`; `status` is `pending` or `approved`.
  /// - Throws: `PROMPT_NOT_ALLOWED`, `APPROVAL_LIMIT`, `MESSAGE_LIMIT`.
  public func submitPrompt(
    _ sessionID: String, credentials: ParticipantCredentials, prompt: String, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let (keys, approvalID) = (runner.keys, Secrets.newID())
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    try await index.expect(sessionID, within: min(settings.longestWait, try await approvalTimeout(sessionID)))
    let outcome = try await runner.session(
      ScriptLibrary.promptSubmit, sessionID, by: credentials, idempotency: idempotency.map(Idempotency.init),
      keys: [
        keys.messages(sessionID), keys.approvals(sessionID), keys.pending(sessionID), keys.queue(sessionID),
        keys.approval(sessionID, approvalID), keys.expiring(sessionID),
      ],
      arguments: [
        .string(approvalID), .string(prompt), .string(Secrets.newID()), .string(Secrets.newID()),
        .integer(settings.maximumPendingApprovals), .integer(settings.maximumPendingApprovalsPerParticipant),
        .integer(Int(settings.dispatchTimeout.milliseconds)), .integer(settings.maximumMessages),
        .string(Secrets.digest(prompt)),
      ])
    let parts = try outcome.parts(atLeast: 2)
    let status = try parts.text(0)
    if case .ok = outcome, status == "approved" { await queued(sessionID) }
    return ReplyBody.object([("status", ReplyBody.quoted(status)), ("approval", try parts.part(1))])
  }

  /// `POST .../approvals/{aid}`: exactly one resolver ever wins, over all nodes.
  ///
  /// - Parameters:
  ///   - action: what to do; `nil` follows from the option.
  ///   - optionID: for a permission request: which of the agent's options; `nil` takes the narrowest that fits the action.
  ///   - editedPrompt: what the agent gets in place of the prompt; both are kept.
  ///   - promptHash: SHA-256 of the prompt the resolver was shown, in hexadecimal; `nil` when they do not say.
  /// - Returns: `{approval}`.
  /// - Throws: `HOST_REQUIRED`, `APPROVAL_NOT_FOUND`, `APPROVAL_ALREADY_RESOLVED`, `PROMPT_CHANGED`, `REASON_REQUIRED`,
  ///   `INVALID_FIELD` for what belongs to the other kind of approval, `INVALID_OPTION`, `OPTION_REQUIRED`.
  public func resolve(
    _ sessionID: String, approvalID: String, credentials: ParticipantCredentials, action: ApprovalAction?,
    reason: String?, editedPrompt: String?, promptHash: String? = nil, optionID: String? = nil,
    idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let keys = runner.keys
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    if action == .approve { try await index.expect(sessionID, within: settings.longestWait) }
    let outcome = try await runner.session(
      ScriptLibrary.approvalResolve, sessionID, by: credentials, idempotency: idempotency.map(Idempotency.init),
      keys: [
        approvalKey(sessionID, approvalID), keys.pending(sessionID), keys.queue(sessionID), keys.expiring(sessionID),
        keys.permissions(sessionID),
      ],
      arguments: [
        .string(approvalID), .string(action?.rawValue ?? ""), .string(reason ?? ""), .string(editedPrompt ?? ""),
        .string(Secrets.newID()), .integer(Int(settings.dispatchTimeout.milliseconds)),
        .string(promptHash?.lowercased() ?? ""), settings.rejectionNeedsReason ? "required" : "",
        .string(optionID ?? ""),
      ])
    let parts = try outcome.parts(atLeast: 2)
    if case .ok = outcome {
      if try parts.text(1) == "permission" {
        await runner.announce(permissions: [approvalID], of: sessionID)
      } else if action == .approve {
        await queued(sessionID)
      }
    }
    return ReplyBody.object([("approval", try parts.part(0))])
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
      ScriptLibrary.approvalWithdraw, sessionID, by: credentials, idempotency: idempotency.map(Idempotency.init),
      keys: [
        approvalKey(sessionID, approvalID), runner.keys.pending(sessionID), runner.keys.expiring(sessionID),
      ], arguments: [.string(approvalID)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("approval", try parts.part(0))])
  }

  /// `POST .../cancel`: asks the agent to stop the turn that runs for this session, and withdraws what the agent asked in it.
  ///
  /// - Returns: `{cancelling}`; false when none runs.
  public func cancelTurn(
    _ sessionID: String, credentials: ParticipantCredentials, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let (runner, repeatable) = (runner, idempotency.map(Idempotency.init))
    // A repeat must not reach the agent: another turn may run by now.
    let looked = try await runner.session(
      ScriptLibrary.callerCheck, sessionID, by: credentials, idempotency: repeatable, arguments: ["host", "", "look"])
    let first = try looked.parts(atLeast: 1)
    if case .repeated = looked { return ReplyBody.object([("cancelling", try first.part(0))]) }
    var (cancelling, approvalID, dispatchID) = ("false", "", "")
    if let hostSessionID = try await runner.hostSession(of: sessionID) {
      let turn = try await runner.host(ScriptLibrary.hostCancel, hostSessionID, arguments: [.string(sessionID)])
        .parts(atLeast: 3)
      (cancelling, approvalID, dispatchID) = (try turn.text(0), try turn.text(1), try turn.text(2))
    }
    // The answer is kept last: a repeat that finds nothing asks the agent again, which is harmless so soon.
    var withdrawn: [String] = []
    let (key, asked, dispatch) = (approvalKey(sessionID, approvalID), cancelling, dispatchID)
    let outcome = try await runner.withWaitingPermissions(sessionID, of: dispatch) {
      waiting async throws(SharedSessionError) in
      withdrawn = waiting
      return try await runner.session(
        ScriptLibrary.turnCancel, sessionID, by: credentials, idempotency: repeatable,
        keys: [key, runner.keys.permissions(sessionID)] + waiting.map { runner.keys.approval(sessionID, $0) },
        arguments: [.string(asked), .string(dispatch), .integer(waiting.count)])
    }
    let parts = try outcome.parts(atLeast: 1)
    if case .ok = outcome { await runner.announce(permissions: withdrawn, of: sessionID) }
    return ReplyBody.object([("cancelling", idempotency == nil ? ByteBuffer(string: cancelling) : try parts.part(0))])
  }

  func approvalKey(_ sessionID: String, _ approvalID: String) -> String {
    runner.keys.approval(sessionID, Secrets.isID(approvalID) ? approvalID : "-")
  }

  /// How long this session's approvals may stay pending.
  private func approvalTimeout(_ sessionID: String) async throws(SharedSessionError) -> Duration {
    let seconds = try await runner.send("HGET", key: runner.keys.session(sessionID), "approvalTimeout").integer
    return seconds.map { .seconds($0) } ?? settings.maximumLifetime
  }

  /// Wakes the node that the bridge is attached to, after the slot is freed of a dispatch that is over. A hint: that node
  /// also looks by itself every few seconds.
  func queued(_ sessionID: String, over dispatchID: String = "") async {
    do {
      if let hostSessionID = try await runner.hostSession(of: sessionID) {
        _ = try await runner.host(ScriptLibrary.hostRelease, hostSessionID, arguments: [.string(dispatchID)])
      }
    } catch {
      runner.logger.info(
        "A queued prompt could not be announced; its dispatch waits for the next look",
        metadata: ["session.id": .string(sessionID)])
    }
  }
}
