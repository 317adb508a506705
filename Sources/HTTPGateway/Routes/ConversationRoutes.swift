import Basics
import HTTPTypes
import JSONText
import SharedSessions

/// What is said and asked in a session, and what the host decides.
extension RouteSet {
  var conversationRoutes: [Route] {
    [
      Route(.get, "/api/shared-sessions/{id}/messages", handler: messages),
      Route(.post, "/api/shared-sessions/{id}/messages", handler: postMessage),
      Route(.post, "/api/shared-sessions/{id}/controls", handler: submitControl),
      Route(.post, "/api/shared-sessions/{id}/approvals/{aid}", handler: resolve),
      Route(.post, "/api/shared-sessions/{id}/approvals/{aid}/withdraw", handler: withdraw),
      Route(.get, "/api/shared-sessions/{id}/queue", handler: queue),
      Route(.delete, "/api/shared-sessions/{id}/queue/{aid}", handler: withdrawQueued),
      Route(.post, "/api/shared-sessions/{id}/cancel", handler: cancelTurn),
    ]
  }

  private func messages(_ request: IncomingRequest) async throws -> Reply {
    let id = try sessionID(request)
    let limit = try request.query.integer("limit", in: 1...configuration.pageSize) ?? 100
    let reader = try access.reader(request)
    return .json(
      try await domain.sessions.messages(id, reader: reader, after: request.query["after"], limit: limit))
  }

  private func postMessage(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try sessionID(request), try request.fields())
    let text = FieldRules.trimmed(try fields.string("text"))
    guard !text.isEmpty else { throw GatewayError(.emptyMessage) }
    let checked = try rules.text(text, "text", mostBytes: rules.messageText)
    let credentials = try await caller(request, fields)
    return .json(
      try await domain.sessions.postMessage(
        id, credentials: credentials, text: checked, idempotency: try idempotency(request, credentials)))
  }

  private func submitControl(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try sessionID(request), try request.fields())
    let control = try ControlFields.request(fields)
    let credentials = try await caller(request, fields)
    return .json(
      try await domain.approvals.submitControl(
        id, credentials: credentials, control: control, idempotency: try idempotency(request, credentials)))
  }

  private func resolve(_ request: IncomingRequest) async throws -> Reply {
    let (id, approvalID) = (try sessionID(request), try pathID(request, 1, "approvalId"))
    let fields = try request.fields()
    let optionID = try fields.optionalString("optionId")
    // Without an option only the action says what is decided; with one it may follow from it.
    let word = optionID == nil ? try fields.string("action") : try fields.optionalString("action")
    let action = word.flatMap(ApprovalAction.init(rawValue:))
    if word != nil, action == nil { throw GatewayError(.invalidAction) }
    if let optionID, !(1...PermissionFields.optionID).contains(optionID.unicodeScalars.count) {
      throw GatewayError(
        .invalidField, "'optionId' must be 1 to \(PermissionFields.optionID) characters long.")
    }
    let answer = try QuestionFields.answer(fields, rules)
    let dropped = try droppedContent(fields)
    let reason = try fields.optionalString("reason").map { try rules.text($0, "reason", mostBytes: rules.reason) }
    let edited = try fields.optionalString("editedPrompt").map {
      try rules.text(FieldRules.trimmed($0), "editedPrompt", mostBytes: rules.prompt)
    }
    if edited?.isEmpty ?? false {
      throw GatewayError(
        .invalidField, "'editedPrompt' must not be blank; leave it out to approve the prompt as it is.")
    }
    let promptHash = try fields.optionalString("promptHash")
    if let promptHash, Hexadecimal.decode(promptHash)?.count != 32 {
      throw GatewayError(.invalidField, "'promptHash' must be the prompt's SHA-256 as 64 hexadecimal digits.")
    }
    let credentials = try await caller(request, fields)
    return .json(
      try await domain.approvals.resolve(
        id, approvalID: approvalID, credentials: credentials, action: action, reason: reason, editedPrompt: edited,
        promptHash: promptHash, optionID: optionID, answer: answer,
        dropContent: dropped, idempotency: try idempotency(request, credentials)))
  }

  private func droppedContent(_ fields: RequestFields) throws -> Set<Int> {
    guard fields["dropContent"] != nil else { return [] }
    let places = try fields.list("dropContent").map { $0.integer.flatMap { Int(exactly: $0) } ?? -1 }
    guard (1...PromptContent.mostBlocks).contains(places.count), places.allSatisfy({ $0 >= 0 }) else {
      throw GatewayError(.invalidField, "'dropContent' must list the places of blocks, counted from 0.")
    }
    return Set(places)
  }

  private func withdraw(_ request: IncomingRequest) async throws -> Reply {
    let (id, approvalID) = (try sessionID(request), try pathID(request, 1, "approvalId"))
    let credentials = try await caller(request, request.fields())
    return .json(
      try await domain.approvals.withdraw(
        id, approvalID: approvalID, credentials: credentials, idempotency: try idempotency(request, credentials)))
  }

  private func queue(_ request: IncomingRequest) async throws -> Reply {
    let (id, reader) = (try sessionID(request), try access.reader(request))
    return .json(try await domain.approvals.queue(id, reader: reader))
  }

  private func withdrawQueued(_ request: IncomingRequest) async throws -> Reply {
    let (id, approvalID) = (try sessionID(request), try pathID(request, 1, "approvalId"))
    let credentials = try await caller(request, request.fields())
    return .json(try await domain.approvals.withdrawQueued(id, approvalID: approvalID, credentials: credentials))
  }

  private func cancelTurn(_ request: IncomingRequest) async throws -> Reply {
    let id = try sessionID(request)
    let credentials = try await caller(request, request.fields())
    return .json(
      try await domain.approvals.cancelTurn(
        id, credentials: credentials, idempotency: try idempotency(request, credentials)),
      status: .accepted)
  }
}
