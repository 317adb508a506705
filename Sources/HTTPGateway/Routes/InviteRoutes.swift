import HTTPTypes
import SharedSessions

/// What lets others into a session.
extension RouteSet {
  var inviteRoutes: [Route] {
    [
      Route(.post, "/api/shared-sessions/{id}/invite", answersTokens: true, handler: rotateInvite),
      Route(.get, "/api/shared-sessions/{id}/invites", handler: invites),
      Route(.post, "/api/shared-sessions/{id}/invites", answersTokens: true, handler: createInvite),
      Route(.delete, "/api/shared-sessions/{id}/invites/{iid}", handler: revokeInvite),
    ]
  }

  private func rotateInvite(_ request: IncomingRequest) async throws -> Reply {
    let id = try sessionID(request)
    let credentials = try await caller(request, request.fields())
    return .json(
      try await domain.sessions.rotateInvite(
        id, credentials: credentials, idempotency: try idempotency(request, credentials)))
  }

  private func invites(_ request: IncomingRequest) async throws -> Reply {
    let id = try sessionID(request)
    let credentials = try await caller(request, request.fields())
    return .json(try await domain.sessions.invites(id, credentials: credentials))
  }

  private func createInvite(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try sessionID(request), try request.fields())
    let invite = CreateInvite(
      role: try fields.optionalWord("role") ?? .collaborator,
      label: try rules.displayName(fields.optionalString("label"), "label"),
      maximumUses: try fields.optionalInteger("maxUses"),
      expiresInMinutes: try fields.optionalInteger("expiresInMinutes"))
    try domain.sessions.check(invite)
    let credentials = try await caller(request, fields)
    return .json(
      try await domain.sessions.createInvite(
        id, invite, credentials: credentials, idempotency: try idempotency(request, credentials)),
      status: .created)
  }

  private func revokeInvite(_ request: IncomingRequest) async throws -> Reply {
    let (id, inviteID) = (try sessionID(request), try pathID(request, 1, "inviteId"))
    let credentials = try await caller(request, request.fields())
    return .json(try await domain.sessions.revokeInvite(id, inviteID: inviteID, credentials: credentials))
  }
}
