import JSONText
import NIOCore

@testable import SharedSessions

/// Questions of the agent in a turn that runs.
extension RunningTurn {
  static let schema =
    #"{"type":"object","properties":{"name":{"type":"string"},"count":{"type":"integer"}},"required":["name"]}"#

  /// The agent wants to know something, on either node.
  func inquire(
    _ message: String = "Which name?", schema: String = Self.schema, url: String? = nil, named: Bool = true,
    node: Int = 0, key: String? = nil
  ) async throws -> JSONText {
    let form: AgentQuestion.Form =
      if let url { .page(try need(QuestionPage(url))) } else {
        .fields(try QuestionSchema(json(ByteBuffer(string: schema))))
      }
    let question = AgentQuestion(dispatchID: named ? try dispatchID() : nil, message: message, form: form)
    let repeatable = key.map {
      IdempotencyRequest(key: $0, route: "POST questions", caller: "bridge", body: ByteBuffer(string: message))
    }
    let body = try await world.nodes[node].questions.request(
      shared.hostSessionID, token: shared.hostToken, question, idempotency: repeatable)
    return try need(json(body)["approval"])
  }

  /// Asks, and gives the approval's id.
  func inquired(node: Int = 0) async throws -> String { try need(await inquire(node: node)["id"]?.string) }

  /// Answers a question.
  @discardableResult
  func reply(
    _ approvalID: String, _ answer: String?, action: ApprovalAction? = .approve, by: ParticipantCredentials? = nil,
    node: Int = 1
  ) async throws(SharedSessionError) -> JSONText {
    let text = answer.flatMap { try? JSONText(validating: $0) }
    let body = try await world.nodes[node].approvals.resolve(
      shared.id, approvalID: approvalID, credentials: by ?? shared.host, action: action, reason: nil,
      editedPrompt: nil, answer: text)
    guard let approval = (try? JSONText(validating: body))?["approval"] else {
      throw SharedSessionError(.internalError)
    }
    return approval
  }

  /// What the bridge reads of a question.
  func readQuestion(_ approvalID: String, node: Int = 1) async throws -> JSONText {
    try json(
      await world.nodes[node].questions.get(shared.hostSessionID, approvalID: approvalID, token: shared.hostToken))
  }

  /// The events about one question, oldest first.
  func questionEvents(about approvalID: String) async throws -> [(type: String, payload: JSONText)] {
    try await world.events(shared.id).filter {
      $0.type.hasPrefix("question_") && $0.payload["approval"]?["id"]?.string == approvalID
    }
  }
}
