import HTTPTypes
import SharedSessions

/// What an agent asks in the middle of a turn, from the bridge's side. People answer at the session's approvals.
extension RouteSet {
  var permissionRoutes: [Route] {
    [
      Route(.post, "/api/host-sessions/{hid}/permissions", handler: requestPermission),
      Route(.get, "/api/host-sessions/{hid}/permissions/{aid}", handler: permission),
      Route(.delete, "/api/host-sessions/{hid}/permissions/{aid}", handler: withdrawPermission),
    ]
  }

  private func requestPermission(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try hostSessionID(request), try request.fields())
    let permission = try PermissionFields.request(fields, rules)
    let token = try request.requiredHostToken()
    let body = try await domain.permissions.request(
      id, token: token, permission, idempotency: try idempotency(request, caller: token))
    return .json(body, status: .created)
  }

  private func permission(_ request: IncomingRequest) async throws -> Reply {
    let (id, approvalID) = (try hostSessionID(request), try pathID(request, 1, "approvalId"))
    let token = try request.requiredHostToken()
    return .json(try await domain.permissions.get(id, approvalID: approvalID, token: token))
  }

  private func withdrawPermission(_ request: IncomingRequest) async throws -> Reply {
    let (id, approvalID) = (try hostSessionID(request), try pathID(request, 1, "approvalId"))
    _ = try request.fields()
    let token = try request.requiredHostToken()
    return .json(try await domain.permissions.withdraw(id, approvalID: approvalID, token: token))
  }
}
