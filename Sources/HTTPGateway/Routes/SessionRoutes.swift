import HTTPTypes
import HummingbirdCore
import NIOCore
import SharedSessions

/// Shared sessions as a whole.
extension RouteSet {
  var sessionRoutes: [Route] {
    [
      Route(.get, "/api/shared-sessions", handler: list),
      Route(.post, "/api/shared-sessions", answersTokens: true, handler: create),
      Route(.get, "/api/shared-sessions/{id}", handler: snapshot),
      Route(.patch, "/api/shared-sessions/{id}", handler: update),
      Route(.delete, "/api/shared-sessions/{id}", handler: close),
      Route(.get, "/api/shared-sessions/{id}/export", handler: export),
    ]
  }

  private func list(_ request: IncomingRequest) async throws -> Reply {
    let query = request.query
    var filter = SessionFilter(limit: try query.integer("limit", in: 1...configuration.pageSize) ?? 100)
    filter.workspaceID = try query["workspaceId"].map { try rules.identifier($0, "workspaceId") }
    filter.hostSessionID = try query["hostSessionId"].map { try rules.identifier($0, "hostSessionId") }
    filter.cursor = query["cursor"]
    if let status = query["status"] {
      guard let known = SessionStatus(rawValue: status) else {
        throw GatewayError(.invalidQuery, "'status' must be 'active', 'closed' or 'expired'.")
      }
      filter.status = known
    }
    try access.requireKey(.read, request)
    return .json(try await domain.sessions.list(filter))
  }

  private func create(_ request: IncomingRequest) async throws -> Reply {
    let fields = try request.fields()
    let hostSessionID = try fields.string("hostSessionId")
    let hostUserID = try fields.string("hostUserId")
    guard !FieldRules.isBlank(hostSessionID) else { throw GatewayError(.missingHostSessionID) }
    guard !FieldRules.isBlank(hostUserID) else { throw GatewayError(.missingHostUserID) }
    let create = CreateSession(
      hostSessionID: try rules.identifier(FieldRules.trimmed(hostSessionID), "hostSessionId"),
      hostUserID: try rules.userID(hostUserID, "hostUserId"),
      hostDisplayName: try rules.displayName(fields.optionalString("hostDisplayName"), "hostDisplayName"),
      mode: try fields.optionalWord("mode") ?? .promptWithApproval,
      workspaceID: try workspace(fields),
      expiresInMinutes: try fields.optionalInteger("expiresInMinutes"),
      approvalTimeoutSeconds: try fields.optionalInteger("approvalTimeoutSeconds"),
      viewerUpdates: try fields.optionalWord("viewerUpdates") ?? .all,
      hostToken: try request.hostToken(),
      hostTokenRequired: access.policy == .keyed)
    try domain.sessions.check(
      expiresInMinutes: create.expiresInMinutes, approvalTimeoutSeconds: create.approvalTimeoutSeconds)
    try access.requireKey(.create, request)
    let idempotency = try idempotency(request, caller: create.hostToken ?? "")
    return .json(try await domain.sessions.create(create, idempotency: idempotency), status: .created)
  }

  /// The `workspaceId` of a body; a blank one is none.
  func workspace(_ fields: RequestFields) throws -> String? {
    guard let text = try fields.optionalString("workspaceId"), !FieldRules.isBlank(text) else { return nil }
    return try rules.identifier(FieldRules.trimmed(text), "workspaceId")
  }

  private func snapshot(_ request: IncomingRequest) async throws -> Reply {
    let (id, reader) = (try sessionID(request), try access.reader(request))
    return .json(try await domain.sessions.snapshot(id, reader: reader))
  }

  private func update(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try sessionID(request), try request.fields())
    let mode: SessionMode? = try fields.optionalWord("mode")
    let minutes = try fields.optionalInteger("expiresInMinutes")
    let approvalTimeout = try fields.optionalInteger("approvalTimeoutSeconds")
    let viewerUpdates: ViewerUpdates? = try fields.optionalWord("viewerUpdates")
    let needed = try fields.optionalInteger("approvalsNeeded")
    guard (1...10).contains(needed ?? 1) else {
      throw GatewayError(.invalidField, "'approvalsNeeded' must be a whole number from 1 to 10.")
    }
    try domain.sessions.check(expiresInMinutes: minutes, approvalTimeoutSeconds: approvalTimeout)
    let credentials = try await caller(request, fields)
    return .json(
      try await domain.sessions.update(
        id, credentials: credentials, mode: mode, expiresInMinutes: minutes, approvalTimeoutSeconds: approvalTimeout,
        viewerUpdates: viewerUpdates, approvalsNeeded: needed))
  }

  private func close(_ request: IncomingRequest) async throws -> Reply {
    let id = try sessionID(request)
    let credentials = try await caller(request, request.fields())
    return .json(try await domain.sessions.close(id, credentials: credentials))
  }

  /// Pages are read and written one after the other, so an export takes little memory and waits for a slow client.
  private func export(_ request: IncomingRequest) async throws -> Reply {
    let (id, reader) = (try sessionID(request), try access.reader(request))
    let log = domain.events
    // The first page is read before the head is written, so that a refusal still is an error body.
    let first = try await log.exportPage(id, reader: reader, after: nil, limit: EventLog.pageLimit)
    let head = HTTPResponse(
      status: .ok, headerFields: [.contentType: "application/x-ndjson", .cacheControl: "no-store"])
    return .stream(
      head,
      StreamedBody { writer in
        var page = first
        while true {
          var lines = ByteBuffer()
          for line in page.lines {
            lines.writeImmutableBuffer(line)
            lines.writeInteger(UInt8(ascii: "\n"))
          }
          try await writer.write(lines)
          guard let next = page.next else { break }
          page = try await log.exportPage(id, reader: reader, after: next, limit: EventLog.pageLimit)
        }
        try await writer.finish(nil)
      })
  }
}
