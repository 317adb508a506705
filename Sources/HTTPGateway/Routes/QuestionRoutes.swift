import HTTPTypes
import SharedSessions

/// What an agent wants to know of its people, from the bridge's side. People answer at the session's approvals.
extension RouteSet {
  var questionRoutes: [Route] {
    [
      Route(.post, "/api/host-sessions/{hid}/questions", handler: askQuestion),
      Route(.get, "/api/host-sessions/{hid}/questions/{aid}", handler: question),
      Route(.delete, "/api/host-sessions/{hid}/questions/{aid}", handler: withdrawQuestion),
    ]
  }

  private func askQuestion(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try hostSessionID(request), try request.fields())
    let question = try QuestionFields.question(fields, rules)
    let token = try request.requiredHostToken()
    let body = try await domain.questions.request(
      id, token: token, question, idempotency: try idempotency(request, caller: token))
    return .json(body, status: .created)
  }

  private func question(_ request: IncomingRequest) async throws -> Reply {
    let (id, approvalID) = (try hostSessionID(request), try pathID(request, 1, "approvalId"))
    let token = try request.requiredHostToken()
    return .json(try await domain.questions.get(id, approvalID: approvalID, token: token))
  }

  private func withdrawQuestion(_ request: IncomingRequest) async throws -> Reply {
    let (id, approvalID) = (try hostSessionID(request), try pathID(request, 1, "approvalId"))
    _ = try request.fields()
    let token = try request.requiredHostToken()
    return .json(try await domain.questions.withdraw(id, approvalID: approvalID, token: token))
  }
}
