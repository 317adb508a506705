internal import NIOCore
internal import RedisClient

/// What an agent can ask its people.
enum RequestKind: String, Sendable, Hashable {
  /// Whether it may do something.
  case permission
  /// What it wants to know.
  case question
}

extension ScriptRunner {
  /// Where something of a host session belongs. A value.
  struct Place: Sendable {
    /// `session approval` of a dispatch, `session` of a request, '' of what is not known.
    let text: String
    /// The dispatch whose turn is being cancelled; '' when none is.
    let cancelling: String
    /// The answer there was to the request before, if this one repeats it.
    let firstAnswer: ByteBuffer?

    /// Session and approval of a dispatch.
    var dispatch: (session: String, approval: String)? {
      let ids = text.split(separator: " ").map(String.init)
      return ids.count == 2 ? (ids[0], ids[1]) : nil
    }
  }

  /// Checks a host token, and says where a dispatch or a request of that host session belongs.
  func place(
    of id: String, _ hostSessionID: String, token: String, once: Idempotency? = nil
  ) async throws(SharedSessionError) -> Place {
    let outcome = try await host(
      ScriptLibrary.hostCheck, hostSessionID, token: Secrets.digest(token), once: once,
      ["id": .string(Secrets.isID(id) ? id : "")])
    let parts = try outcome.parts(atLeast: 1)
    if case .repeated = outcome { return Place(text: "", cancelling: "", firstAnswer: try parts.part(0)) }
    return Place(text: try parts.text(0), cancelling: try parts.text(1), firstAnswer: nil)
  }

  /// Notes at the host session where something that was asked belongs: `{approval}`.
  ///
  /// - Parameter outcome: what the script answered that has taken it.
  func asked(
    _ outcome: ScriptOutcome, _ approvalID: String, in sessionID: String, _ hostSessionID: String, once: Idempotency?
  ) async throws(SharedSessionError) -> ByteBuffer {
    let approval = try outcome.parts(atLeast: 1).part(0)
    // Also for a repeat: the node that took the first one may have died right here.
    _ = try await host(
      ScriptLibrary.hostPlace, hostSessionID, once: once,
      ["id": .string(approvalID), "session_id": .string(sessionID), "reply": .bytes(approval)]
    ).parts()
    return ReplyBody.object([("approval", approval)])
  }

  /// What the agent asked as it is now, as `request_read.lua` answers.
  ///
  /// - Parameter kind: what it has to be; nil takes either.
  func request(
    _ sessionID: String, _ approvalID: String, _ kind: RequestKind? = nil
  ) async throws(SharedSessionError) -> ScriptOutcome {
    try await session(
      ScriptLibrary.requestRead, sessionID, ["id": .string(approvalID), "kind": .string(kind?.rawValue ?? "")])
  }

  /// `GET` of what the agent asked: `{approval, resolvedByName?}`.
  func request(
    _ kind: RequestKind, _ hostSessionID: String, _ approvalID: String, _ token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    let (sessionID, _) = try await placeOfRequest(approvalID, hostSessionID, token)
    let parts = try await request(sessionID, approvalID, kind).parts(atLeast: 8)
    let name = try parts.part(5)
    return ReplyBody.object([
      ("approval", try parts.part(0)), ("resolvedByName", name.readableBytes > 0 ? name : nil),
    ])
  }

  /// `DELETE` of what the agent asked: `{approval}`.
  func withdraw(
    _ kind: RequestKind, _ hostSessionID: String, _ approvalID: String, _ token: String
  ) async throws(SharedSessionError) -> ByteBuffer {
    let (sessionID, cancelling) = try await placeOfRequest(approvalID, hostSessionID, token)
    let parts = try await session(
      ScriptLibrary.requestWithdraw, sessionID,
      ["id": .string(approvalID), "kind": .string(kind.rawValue), "cancelling": .string(cancelling)]
    ).parts(atLeast: 1)
    return ReplyBody.object([("approval", try parts.part(0))])
  }

  private func placeOfRequest(
    _ approvalID: String, _ hostSessionID: String, _ token: String
  ) async throws(SharedSessionError) -> (id: String, cancelling: String) {
    let place = try await place(of: approvalID, hostSessionID, token: token)
    guard place.dispatch == nil, Secrets.isID(place.text) else { throw SharedSessionError(.approvalNotFound) }
    return (place.text, place.cancelling)
  }
}
