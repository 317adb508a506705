import HTTPTypes
import SharedSessions

/// Who is in a session, and what they may do.
extension RouteSet {
  var participantRoutes: [Route] {
    [
      Route(.post, "/api/shared-sessions/{id}/join", answersTokens: true, handler: join),
      Route(.post, "/api/shared-sessions/{id}/leave", handler: leave),
      Route(.get, "/api/shared-sessions/{id}/participants", handler: participants),
      Route(.patch, "/api/shared-sessions/{id}/participants/{pid}", handler: changeRole),
      Route(.delete, "/api/shared-sessions/{id}/participants/{pid}", handler: remove),
      Route(.post, "/api/shared-sessions/{id}/host", handler: handOver),
      Route(.post, "/api/shared-sessions/{id}/stream-tickets", answersTokens: true, handler: createTicket),
    ]
  }

  private func join(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try sessionID(request), try request.fields())
    let userID = try fields.string("userId")
    let inviteToken = try fields.string("inviteToken")
    guard !FieldRules.isBlank(userID) else { throw GatewayError(.missingUserID) }
    let join = JoinSession(
      inviteToken: inviteToken,
      userID: try rules.userID(userID, "userId"),
      displayName: try rules.displayName(fields.optionalString("displayName"), "displayName"),
      role: try fields.optionalWord("role") ?? .collaborator,
      credentials: try request.credentials(fields))
    let caller = join.credentials.map { "\($0.participantID).\($0.token)" } ?? join.inviteToken
    return .json(
      try await domain.sessions.join(id, join, idempotency: try idempotency(request, caller: caller)))
  }

  private func leave(_ request: IncomingRequest) async throws -> Reply {
    let id = try sessionID(request)
    let credentials = try await caller(request, request.fields())
    return .json(
      try await domain.sessions.leave(
        id, credentials: credentials, idempotency: try idempotency(request, credentials)))
  }

  private func participants(_ request: IncomingRequest) async throws -> Reply {
    let (id, reader) = (try sessionID(request), try access.reader(request))
    return .json(try await domain.sessions.participants(id, reader: reader))
  }

  private func changeRole(_ request: IncomingRequest) async throws -> Reply {
    let (id, participantID) = (try sessionID(request), try pathID(request, 1, "participantId"))
    let fields = try request.fields()
    let (role, canApprove): (Role?, Bool?) = (
      try fields.optionalWord("role"), try fields.optionalBool("canApprove")
    )
    guard role != nil || canApprove != nil else {
      throw GatewayError(.invalidBody, "'role' is missing; it must be 'collaborator' or 'viewer'.")
    }
    guard role != .host else { throw GatewayError(.invalidField, "'role' must be 'collaborator' or 'viewer'.") }
    let credentials = try await caller(request, fields)
    return .json(
      try await domain.sessions.changeRole(
        id, participantID: participantID, role: role, canApprove: canApprove, credentials: credentials))
  }

  private func remove(_ request: IncomingRequest) async throws -> Reply {
    let (id, participantID) = (try sessionID(request), try pathID(request, 1, "participantId"))
    let credentials = try await caller(request, request.fields())
    return .json(try await domain.sessions.remove(id, participantID: participantID, credentials: credentials))
  }

  private func handOver(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try sessionID(request), try request.fields())
    let participantID = try rules.identifier(fields.string("newHostParticipantId"), "newHostParticipantId")
    let credentials = try await caller(request, fields)
    return .json(
      try await domain.sessions.handOver(
        id, participantID: participantID, credentials: credentials,
        idempotency: try idempotency(request, credentials)))
  }

  private func createTicket(_ request: IncomingRequest) async throws -> Reply {
    let id = try sessionID(request)
    let credentials = try await caller(request, request.fields())
    return .json(
      try await domain.sessions.createTicket(
        id, credentials: credentials, idempotency: try idempotency(request, credentials)),
      status: .created)
  }
}
