import EventStreaming
import HTTPTypes
import NIOCore
import SharedSessions

/// A session's live events.
extension RouteSet {
  var streamRoutes: [Route] {
    [Route(.get, "/api/shared-sessions/{id}/stream", isStream: true, handler: stream)]
  }

  private func stream(_ request: IncomingRequest) async throws -> Reply {
    let id = try sessionID(request)
    let start = Self.start(request)
    let authorization = try await domain.events.authorize(
      id, access: try await streamAccess(request), hasCursor: start != .live)
    guard let cursor = EventID(authorization.cursor) else { throw GatewayError(.internalError) }
    let stream = try await streams.open(
      StreamRequest(
        sessionID: id, participantID: authorization.participantID, start: start, authorized: cursor,
        hasEnded: authorization.status != .active),
      on: request.channel.eventLoop)
    return .events(stream, on: request.channel)
  }

  /// The header wins over the query: it is what a browser sends when it reconnects by itself.
  private static func start(_ request: IncomingRequest) -> StreamRequest.Start {
    let header = request.head.headerFields[.lastEventID].flatMap { $0.isEmpty ? nil : $0 }
    guard let cursor = header ?? request.query["lastEventId"] else { return .live }
    return cursor == "earliest" ? .earliest : .after(cursor)
  }

  private func streamAccess(_ request: IncomingRequest) async throws -> StreamAccess {
    if let credentials = try request.credentials(request.fields(), allowsQuery: true) {
      try await takeRate(of: credentials)
      return .credentials(credentials)
    }
    if let ticket = request.query["ticket"] { return .ticket(ticket) }
    throw GatewayError(
      .missingCredentials,
      "A stream needs 'Authorization: Bearer <participantId>.<accessToken>', or 'ticket' or 'participantId' and 'participantToken' in the query."
    )
  }
}
