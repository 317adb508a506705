import HTTPTypes
import NIOCore
import SharedSessions

/// Prompts, which may be made of blocks with attachments, and what is attached.
extension RouteSet {
  var contentRoutes: [Route] {
    [
      Route(.post, "/api/shared-sessions/{id}/prompts", body: .streamed, handler: submitPrompt),
      Route(.get, "/api/shared-sessions/{id}/approvals/{aid}/content/{n}", handler: attachment),
      Route(.get, "/api/host-sessions/{hid}/dispatches/{did}/content/{n}", handler: dispatchedBlock),
    ]
  }

  private func submitPrompt(_ request: IncomingRequest) async throws -> Reply {
    let reader = BodyReader(limit: configuration.promptBodyBytes)
    // Without its length a body is one of the usual size.
    let length = try reader.declaredLength(of: request.head) ?? 0
    guard length > configuration.bodyBytes else {
      return try await submit(try await request.collected(limit: configuration.bodyBytes))
    }
    // Nobody has this much read who is not a participant.
    let id = try sessionID(request)
    guard let credentials = request.bearerCredentials else {
      throw GatewayError(
        .missingCredentials,
        "A body of more than \(configuration.bodyBytes) bytes needs 'Authorization: Bearer <participantId>.<accessToken>'."
      )
    }
    try await domain.sessions.authorize(id, credentials: credentials)
    try uploads.take(length)
    defer { uploads.give(length) }
    return try await submit(try await request.collected(limit: configuration.promptBodyBytes))
  }

  private func submit(_ request: IncomingRequest) async throws -> Reply {
    let (id, fields) = (try sessionID(request), try request.fields())
    let content = try self.content(fields)
    let text: String
    if let content {
      text = content.prompt
    } else {
      let prompt = FieldRules.trimmed(try fields.string("prompt"))
      guard !prompt.isEmpty else { throw GatewayError(.emptyPrompt) }
      text = try rules.text(prompt, "prompt", mostBytes: rules.prompt)
    }
    let delivery: PromptDelivery = try fields.optionalWord("delivery") ?? .queue
    let credentials = try await caller(request, fields)
    return .json(
      try await domain.approvals.submitPrompt(
        id, credentials: credentials, prompt: text, delivery: delivery, content: content,
        idempotency: try idempotency(request, credentials)
      ))
  }

  private func content(_ fields: RequestFields) throws -> PromptContent? {
    guard fields["content"] != nil else { return nil }
    guard try fields.optionalString("prompt") == nil else {
      throw GatewayError(.invalidBody, "A prompt has either a 'prompt' or a 'content'.")
    }
    var limits = PromptContent.Limits()
    limits.attachment = configuration.attachmentBytes
    limits.attachments = configuration.attachments
    limits.text = rules.prompt
    return try PromptContent(try fields.list("content"), limits)
  }

  private func attachment(_ request: IncomingRequest) async throws -> Reply {
    let (id, approvalID) = (try sessionID(request), try pathID(request, 1, "approvalId"))
    let block = try blockNumber(request)
    let reader = try access.reader(request)
    let found = try await domain.approvals.attachment(id, approvalID: approvalID, block: block, reader: reader)
    return .attachment(found)
  }

  private func dispatchedBlock(_ request: IncomingRequest) async throws -> Reply {
    let (id, dispatchID) = (try hostSessionID(request), try pathID(request, 1, "dispatchId"))
    let block = try blockNumber(request)
    let token = try request.requiredHostToken()
    return .json(try await domain.approvals.block(id, dispatchID: dispatchID, block: block, token: token))
  }

  private func blockNumber(_ request: IncomingRequest) throws -> Int {
    guard let number = Int(request.parameters[2]), (0..<PromptContent.mostBlocks).contains(number) else {
      throw GatewayError(.contentNotFound)
    }
    return number
  }
}

extension Reply {
  /// Types that a browser may show by itself: none of them runs anything.
  private static let shownTypes: Set<String> = [
    "image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "audio/wav", "audio/ogg", "audio/webm",
    "text/plain",
  ]

  /// What somebody attached. Whatever it is, no browser takes it for a page of this server.
  static func attachment(_ attachment: Attachment) -> Reply {
    let isShown = shownTypes.contains(attachment.mimeType)
    var headers: HTTPFields = [.cacheControl: "private, no-store", .contentTypeOptions: "nosniff"]
    headers[.contentSecurityPolicy] = "default-src 'none'; sandbox"
    headers[.contentDisposition] = (isShown ? "inline" : "attachment") + fileName(attachment.name)
    headers[.resourcePolicy] = "same-origin"
    let type = attachment.mimeType == "text/plain" ? "text/plain; charset=utf-8" : attachment.mimeType
    return .bytes(attachment.bytes, type: isShown ? type : "application/octet-stream", headers: headers)
  }

  /// The name as both forms of the header have it (RFC 6266), without what could end it.
  private static func fileName(_ name: String?) -> String {
    guard let name else { return "" }
    let isPlain = { (byte: UInt8) in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || "-_.".utf8.contains(byte)
    }
    let ascii = String(
      decoding: name.utf8.map { isPlain($0) || $0 == UInt8(ascii: " ") ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    let escaped = name.utf8.map { byte in
      isPlain(byte)
        ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
    return "; filename=\"\(ascii)\"; filename*=UTF-8''\(escaped.joined())"
  }
}

extension HTTPField.Name {
  fileprivate static let resourcePolicy = HTTPField.Name("Cross-Origin-Resource-Policy")!
}
