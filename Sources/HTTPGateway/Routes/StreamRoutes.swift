import EventStreaming
import HTTPTypes
import NIOCore
import SharedSessions

/// Sessions' live events.
extension RouteSet {
  var streamRoutes: [Route] {
    [
      Route(.get, "/api/shared-sessions/{id}/stream", isStream: true, handler: stream),
      Route(.get, "/api/streams", isStream: true, handler: combinedStream),
    ]
  }

  private func stream(_ request: IncomingRequest) async throws -> Reply {
    let (id, types) = (try sessionID(request), try Self.types(request))
    let start = StreamCursor.start(Self.cursor(request))
    let access = try await streamAccess(request)
    let asked = try await authorized(id, access: access, start: start)
    return .events(
      try await streams.open(asked, types: types, on: request.channel.eventLoop), on: request.channel)
  }

  /// Several sessions on one connection. One that cannot be streamed does not keep the others: an EventSource gives up for
  /// good on any status but 200.
  private func combinedStream(_ request: IncomingRequest) async throws -> Reply {
    let (requested, types) = (
      try request.requestedStreams(limit: configuration.sessionsPerStream), try Self.types(request)
    )
    let starts = StreamCursor.starts(Self.cursor(request), own: requested.map(\.cursor))
    let eventLoop = request.channel.eventLoop
    let results = await withTaskGroup(of: (Int, Result<AdmittedStream, any Error>).self) { group in
      for (index, (wanted, start)) in zip(requested, starts).enumerated() {
        group.addTask {
          do {
            return (index, .success(try await admitted(wanted, start: start, on: eventLoop)))
          } catch { return (index, .failure(error)) }
        }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    var (parts, first): ([StreamPart], (any Error)?) = ([], nil)
    for (index, (wanted, start)) in zip(requested, starts).enumerated() {
      switch results[index] ?? .failure(CancellationError()) {
      case .success(let stream): parts.append(.admitted(stream))
      case .failure(let error):
        first = first ?? error
        let shown = logger.rendering(error, method: .get, path: request.path)
        parts.append(
          .refused(RefusedStream(sessionID: wanted.sessionID, start: start, code: shown.code, message: shown.message)))
      }
    }
    let isAdmitted = parts.contains { if case .admitted = $0 { true } else { false } }
    if let first, !isAdmitted { throw first }
    return .events(streams.combine(parts, types: types, on: eventLoop), on: request.channel)
  }

  private func admitted(
    _ wanted: RequestedStream, start: StreamRequest.Start, on eventLoop: any EventLoop
  ) async throws -> AdmittedStream {
    if case .credentials(let credentials) = wanted.access { try await takeRate(of: credentials) }
    return try await streams.admit(
      try await authorized(wanted.sessionID, access: wanted.access, start: start), on: eventLoop)
  }

  private func authorized(
    _ sessionID: String, access: StreamAccess, start: StreamRequest.Start
  ) async throws -> StreamRequest {
    let authorization = try await domain.events.authorize(sessionID, access: access, hasCursor: start != .live)
    guard let newest = EventID(authorization.cursor) else { throw GatewayError(.internalError) }
    return StreamRequest(
      sessionID: sessionID, participantID: authorization.participantID, start: start, authorized: newest,
      hasEnded: authorization.status != .active,
      visibility: EventVisibility(
        participantID: authorization.participantID, role: authorization.role,
        viewerUpdates: authorization.viewerUpdates, asOf: newest),
      streamsElsewhere: authorization.streams.filter { $0.key != domain.presence.nodeID })
  }

  /// The header wins over the query: it is what a browser sends when it reconnects by itself.
  private static func cursor(_ request: IncomingRequest) -> String? {
    let header = request.head.headerFields[.lastEventID].flatMap { $0.isEmpty ? nil : $0 }
    return header ?? request.query["lastEventId"]
  }

  private static func types(_ request: IncomingRequest) throws -> EventTypeFilter? {
    do {
      return try request.query["types"].flatMap { list throws(EventTypeFilter.UnknownType) in
        try EventTypeFilter(list)
      }
    } catch {
      throw GatewayError(.invalidQuery, "'types' names '\(error.word.prefix(64))', which is no type of event.")
    }
  }

  private func streamAccess(_ request: IncomingRequest) async throws -> StreamAccess {
    if let credentials = try request.readableCredentials(request.fields(), allowsQuery: true) {
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
