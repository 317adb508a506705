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
    let (access, address) = (try streamAccess(request), clientAddress(of: request))
    let eventLoop = request.channel.eventLoop
    return try await awaited {
      try await takeRate(ofAddress: address)
      if case .credentials(let credentials) = access { try await takeRate(of: credentials) }
      return try await streams.open(
        try await authorized(id, access: access, start: start), types: types, on: eventLoop)
    }.reply(on: request.channel)
  }

  private func awaited(_ open: @escaping @Sendable () async throws -> OpenStream) -> AwaitedStream {
    AwaitedStream(streams: streams, settings: configuration.streams, drain: drain, open: open)
  }

  /// Several sessions on one connection. One that cannot be streamed does not keep the others: an EventSource gives up for
  /// good on any status but 200.
  private func combinedStream(_ request: IncomingRequest) async throws -> Reply {
    let (requested, types) = (
      try request.requestedStreams(limit: configuration.sessionsPerStream), try Self.types(request)
    )
    let starts = StreamCursor.starts(Self.cursor(request), own: requested.map(\.cursor))
    let (address, path, eventLoop) = (clientAddress(of: request), request.path, request.channel.eventLoop)
    return try await awaited {
      try await takeRate(ofAddress: address)
      return try await combined(requested, starts, types, path: path, on: eventLoop)
    }.reply(on: request.channel)
  }

  private func combined(
    _ requested: [RequestedStream], _ starts: [StreamRequest.Start], _ types: EventTypeFilter?, path: Substring,
    on eventLoop: any EventLoop
  ) async throws -> OpenStream {
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
        // When none can be streamed, one that waits for Redis decides: the others are told when it is back.
        if first == nil || AwaitedStream.mayPass(error) { first = error }
        let shown = logger.rendering(error, method: .get, path: path)
        parts.append(
          .refused(RefusedStream(sessionID: wanted.sessionID, start: start, code: shown.code, message: shown.message)))
      }
    }
    let isAdmitted = parts.contains { if case .admitted = $0 { true } else { false } }
    if let first, !isAdmitted { throw first }
    return streams.combine(parts, types: types, on: eventLoop)
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

  private func streamAccess(_ request: IncomingRequest) throws -> StreamAccess {
    if let credentials = try request.readableCredentials(request.fields(), allowsQuery: true) {
      return .credentials(credentials)
    }
    if let ticket = request.query["ticket"] { return .ticket(ticket) }
    throw GatewayError(
      .missingCredentials,
      "A stream needs 'Authorization: Bearer <participantId>.<accessToken>', or 'ticket' or 'participantId' and 'participantToken' in the query."
    )
  }
}
