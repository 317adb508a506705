import Basics
import EventStreaming
import HTTPTypes
import HummingbirdCore
import JSONText
import NIOCore
import SharedSessions

/// Host sessions: where agents attach.
extension RouteSet {
  var hostSessionRoutes: [Route] {
    [
      Route(.post, "/api/host-sessions", answersTokens: true, handler: register),
      Route(.get, "/api/host-sessions/{hid}", handler: hostSession),
      Route(.delete, "/api/host-sessions/{hid}", handler: deleteHostSession),
      Route(.get, "/api/host-sessions/{hid}/dispatches", isStream: true, handler: dispatches),
      Route(.post, "/api/host-sessions/{hid}/dispatches/{did}", handler: report),
      Route(.post, "/api/host-sessions/{hid}/notifications", body: .streamed, handler: notifications),
    ]
  }

  private func register(_ request: IncomingRequest) async throws -> Reply {
    let fields = try request.fields()
    let userID = try fields.string("userId")
    guard !FieldRules.isBlank(userID) else { throw GatewayError(.missingUserID) }
    let agent = try fields.optionalObject("agent")
    _ = try agent?.optionalObject("capabilities")
    _ = try agent?.optionalObject("modes")
    if agent?["configOptions"] != nil { _ = try agent?.list("configOptions") }
    let hostSessionID = try fields.optionalString("hostSessionId")
    let sharing: HostSharing = try fields.optionalWord("sharing") ?? .anyone
    let register = RegisterHostSession(
      userID: try rules.userID(userID, "userId"),
      workspaceID: try workspace(fields) ?? "default",
      hostSessionID: try hostSessionID.map { try rules.identifier($0, "hostSessionId") },
      agentName: try rules.displayName(agent?.optionalString("name"), "agent.name"),
      agentVersion: try rules.displayName(agent?.optionalString("version"), "agent.version"),
      agent: agent?.object.map { AgentIntroduction($0) },
      takes: try Self.takes(agent),
      hostToken: try request.hostToken(),
      sharing: access.policy == .keyed ? .token : sharing)
    try access.requireKey(.create, request)
    let caller = register.hostToken ?? request.head.headerFields[.apiKey] ?? ""
    let result = try await domain.hostSessions.register(
      register, idempotency: try idempotency(request, caller: caller))
    return .json(result.body, status: result.isNew ? .created : .ok)
  }

  /// The kinds of blocks an agent takes beside texts and links, as its capabilities say (ACP `promptCapabilities`).
  private static func takes(_ agent: RequestFields?) throws -> [String]? {
    guard let capabilities = try agent?.optionalObject("capabilities") else { return nil }
    let prompt = try capabilities.optionalObject("promptCapabilities")
    let kinds = [("image", "image"), ("audio", "audio"), ("embeddedContext", "resource")]
    return kinds.compactMap { prompt?[$0.0]?.bool == true ? $0.1 : nil }
  }

  private func hostSession(_ request: IncomingRequest) async throws -> Reply {
    let id = try hostSessionID(request)
    if case .token(let token) = try access.hostReader(request) {
      try await domain.hostSessions.authorize(id, token: token)
    }
    return .json(try await domain.hostSessions.get(id))
  }

  private func deleteHostSession(_ request: IncomingRequest) async throws -> Reply {
    let id = try hostSessionID(request)
    _ = try request.fields()
    return .json(try await domain.hostSessions.delete(id, token: try request.requiredHostToken()))
  }

  private func report(_ request: IncomingRequest) async throws -> Reply {
    let (id, dispatchID) = (try hostSessionID(request), try pathID(request, 1, "dispatchId"))
    let fields = try request.fields()
    guard let state: DispatchReportState = try fields.optionalWord("state") else {
      throw GatewayError(.invalidBody, "'state' is missing; it must be 'started', 'completed' or 'failed'.")
    }
    let report = DispatchReport(
      state: state,
      attempt: try fields.integer("attempt"),
      error: try said("error", in: fields, mostBytes: rules.reason),
      stopReason: try said("stopReason", in: fields, mostBytes: rules.identifier))
    let token = try request.requiredHostToken()
    return .json(try await domain.hostSessions.report(id, dispatchID: dispatchID, token: token, report))
  }

  /// A text of a report; a blank one says nothing.
  private func said(_ name: String, in fields: RequestFields, mostBytes: Int) throws -> String? {
    guard let text = try fields.optionalString(name), !FieldRules.isBlank(text) else { return nil }
    return try rules.text(text, name, mostBytes: mostBytes)
  }

  private func dispatches(_ request: IncomingRequest) async throws -> Reply {
    let id = try hostSessionID(request)
    let bridgeID = try request.query["bridgeId"].map { try rules.identifier($0, "bridgeId") }
    let token = try request.requiredHostToken()
    guard !drain.isSet else { throw GatewayError.draining }
    let attachment = try await domain.hostSessions.attach(id, token: token, bridgeID: bridgeID)
    return .dispatches(
      attachment, on: request.channel, beat: configuration.streams.heartbeat, retry: streams.nextRetry(),
      drain: drain)
  }

  private func notifications(_ request: IncomingRequest) async throws -> Reply {
    let id = try hostSessionID(request)
    if MediaType.isNDJSON(request.contentType) { return try await notificationLines(request, id) }
    let request = try await request.collected(limit: configuration.bodyBytes)
    let texts = try request.fields().list("notifications").map { try Notifications.text($0) }
    guard texts.count <= Notifications.batch else {
      throw GatewayError(
        .invalidField, "'notifications' holds \(texts.count); at most \(Notifications.batch) are taken.")
    }
    let token = try request.requiredHostToken()
    let body = try await domain.hostSessions.notify(
      id, token: token, notifications: texts, areReplayed: try request.query.flag("replayed"),
      idempotency: try idempotency(request, caller: token))
    return .json(body, status: .accepted)
  }

  /// A body that may last as long as the bridge: every piece is appended as it arrives, and the next one is only read
  /// after that. When the node drains it is answered early; `accepted` says where to go on elsewhere.
  private func notificationLines(_ request: IncomingRequest, _ id: String) async throws -> Reply {
    let token = try request.requiredHostToken()
    guard !drain.isSet else { throw GatewayError.draining }
    try await domain.hostSessions.authorize(id, token: token)
    let key = try request.idempotencyKey()
    let areReplayed = try request.query.flag("replayed")
    let uploading = Task { [configuration, domain] in
      let mostBytes = configuration.notificationBytes
      var framer = LineFramer(maximumBytes: mostBytes)
      var accepted = 0
      var upload: IdempotencyRequest?
      func accept(_ lines: [ByteBuffer]) async throws {
        var remaining = lines[...]
        while !remaining.isEmpty {
          let texts = try remaining.prefix(Notifications.batch).enumerated().map { offset, line in
            try Notifications.text(line: line, number: accepted + offset + 1, maximumDepth: configuration.jsonDepth)
          }
          // How lines fall into pieces differs from one upload to the next, so lines are told apart by their numbers,
          // and uploads by their first line.
          if upload == nil, let key, let first = texts.first {
            upload = IdempotencyRequest(key: key, route: "POST \(request.path) lines", caller: token, body: first.bytes)
          }
          _ = try await domain.hostSessions.notify(
            id, token: token, notifications: texts, areReplayed: areReplayed, idempotency: upload,
            firstLine: accepted + 1)
          accepted += texts.count
          remaining = remaining.dropFirst(texts.count)
        }
      }
      do {
        for try await part in request.bodyParts {
          try await accept(Notifications.lines(framer.append(part), mostBytes))
        }
      } catch is CancellationError {}
      if !Task.isCancelled { try await accept(Notifications.lines(framer.end(), mostBytes)) }
      return accepted
    }
    let forget = drain.whenSet { uploading.cancel() }
    defer { forget() }
    let accepted = try await withTaskCancellationHandler {
      try await uploading.value
    } onCancel: {
      uploading.cancel()
    }
    return .json(
      ByteBuffer(string: "{\"accepted\":\(accepted)}"), status: .accepted,
      headers: drain.isSet ? [.connection: "close"] : [:])
  }
}
