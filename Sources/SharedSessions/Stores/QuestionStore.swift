internal import JSONText
internal import Logging
internal import Metrics
public import NIOCore
internal import RedisClient

/// What agents want to know of their people: approvals of kind `question`. A value; every decision is made inside a script.
///
/// A question of a turn belongs to the session whose prompt runs, and ends with that turn or its session. One that an agent asks
/// between its turns belongs to what its host shared last, and ends with the bridge. Each is answered once
/// (`ApprovalStore.resolve`), by whoever may decide.
public struct QuestionStore: Sendable {
  let runner: ScriptRunner
  private let requested = Counter(label: "tandem.questions.requested")
  private let refused = Counter(label: "tandem.questions.refused")

  init(runner: ScriptRunner) {
    self.runner = runner
  }

  /// Where a question belongs.
  private struct Place: Sendable {
    let session: String
    let approval: String
    let dispatch: String
  }

  /// `POST /api/host-sessions/{hid}/questions`: the agent asks.
  ///
  /// - Returns: `{approval}`.
  /// - Throws: `DISPATCH_NOT_FOUND`, `DISPATCH_CONFLICT` for a turn that does not run or is being cancelled, and when nothing
  ///   is shared, `SESSION_INACTIVE`, `APPROVAL_LIMIT`.
  public func request(
    _ hostSessionID: String, token: String, _ question: AgentQuestion, idempotency: IdempotencyRequest? = nil
  ) async throws(SharedSessionError) -> ByteBuffer {
    let repeatable = idempotency.map(Idempotency.init)
    let place: Place
    switch try await find(question.dispatchID, hostSessionID, token, repeatable) {
    case .first(let answer): return ReplyBody.object([("approval", answer)])
    case .place(let found): place = found
    }
    let approvalID = repeatable?.derivedID("question of \(place.dispatch)") ?? Secrets.newID()
    let outcome = try await runner.session(
      ScriptLibrary.questionRequest, place.session, once: repeatable,
      [
        "prompt_id": .string(place.approval), "dispatch_id": .string(place.dispatch),
        "named": .flag(question.dispatchID != nil), "id": .string(approvalID), "message": .quoted(question.message),
        "question": .bytes(question.text.bytes), "form": .string(question.word),
        "most_asked": .integer(runner.settings.maximumPendingPermissions),
      ])
    if outcome.refusal == ErrorCode.approvalLimit.rawValue { refused.increment() }
    if case .ok = outcome { requested.increment() }
    return try await runner.asked(outcome, approvalID, in: place.session, hostSessionID, once: repeatable)
  }

  private enum Found { case place(Place), first(ByteBuffer) }

  private func find(
    _ dispatchID: String?, _ hostSessionID: String, _ token: String, _ once: Idempotency?
  ) async throws(SharedSessionError) -> Found {
    if let dispatchID {
      let found = try await runner.place(of: dispatchID, hostSessionID, token: token, once: once)
      if let first = found.firstAnswer { return .first(first) }
      guard let place = found.dispatch else { throw SharedSessionError(.dispatchNotFound) }
      return .place(Place(session: place.session, approval: place.approval, dispatch: dispatchID))
    }
    let outcome = try await runner.host(
      ScriptLibrary.hostAsks, hostSessionID, token: Secrets.digest(token), once: once)
    let parts = try outcome.parts(atLeast: 1)
    if case .repeated = outcome { return .first(try parts.part(0)) }
    let place = Place(session: try parts.text(0), approval: try parts.text(1), dispatch: try parts.text(2))
    guard !place.session.isEmpty else {
      throw SharedSessionError(.dispatchConflict, "This host session shares nothing, so nobody can be asked.")
    }
    return .place(place)
  }

  /// `GET /api/host-sessions/{hid}/questions/{aid}`: what has become of a question; also after its session has ended.
  ///
  /// - Returns: `{approval, resolvedByName?}`.
  /// - Throws: `APPROVAL_NOT_FOUND`.
  public func get(
    _ hostSessionID: String, approvalID: String, token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    try await runner.request(.question, hostSessionID, approvalID, token)
  }

  /// `DELETE /api/host-sessions/{hid}/questions/{aid}`: the agent no longer asks.
  ///
  /// - Returns: `{approval}`.
  /// - Throws: `APPROVAL_NOT_FOUND`, `APPROVAL_ALREADY_RESOLVED`.
  public func withdraw(
    _ hostSessionID: String, approvalID: String, token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    try await runner.withdraw(.question, hostSessionID, approvalID, token)
  }
}

/// An answer on its way to a question. A value.
enum QuestionAnswer: Sendable {
  /// As the agent will get it.
  case fits(JSONText)
  /// It is refused once everything else about the request is known to be right; a sentence for a person.
  case unfit(String)

  /// Holds an answer against what was asked, which never changes.
  ///
  /// - Parameters:
  ///   - form: `form`, `url`, or '' for what is no question, which the script refuses.
  ///   - approval: the approval from its prompt on.
  init(_ answer: JSONText, form: String, approval: ByteBuffer) throws(SharedSessionError) {
    switch form {
    case "form":
      let schema: QuestionSchema
      do {
        let asked = try JSONText(validating: approval)["question"]?["schema"]
        schema = try QuestionSchema(asked ?? .null)
      } catch { throw SharedSessionError(.internalError) }
      do { self = .fits(try schema.checked(answer)) } catch { self = .unfit(error.message) }
    case "url": self = .unfit("This question has no fields: it asks somebody to open a page, so it takes no 'answer'.")
    default: self = .unfit("")
    }
  }
}
