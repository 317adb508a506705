import HTTPTypes
import SharedSessions

/// Who the caller says they are; functions without state, in the contract's order: the `Authorization` header, then the
/// body's fields, then, for streams, the query's. What looks like credentials and is none is never taken for their absence:
/// a client that is refused finds its mistake.
extension IncomingRequest {
  /// A participant's credentials, or nil when there are none anywhere.
  ///
  /// - Parameter fields: the body's fields, already read.
  /// - Throws: 400 when the body's fields are there but no strings, `MISSING_CREDENTIALS` when all there are cannot be read.
  func credentials(_ fields: RequestFields, allowsQuery: Bool = false) throws(GatewayError) -> ParticipantCredentials? {
    if let found = try readableCredentials(fields, allowsQuery: allowsQuery) { return found }
    var parts: [Any?] = [head.headerFields[.authorization], fields["participantId"], fields["participantToken"]]
    if allowsQuery { parts += [query["participantId"], query["participantToken"]] }
    guard parts.allSatisfy({ $0 == nil }) else { throw Self.missingParticipant }
    return nil
  }

  /// A participant's credentials, or nil when none can be read.
  ///
  /// - Throws: 400 when the body's fields are there but no strings.
  func readableCredentials(
    _ fields: RequestFields, allowsQuery: Bool = false
  ) throws(GatewayError) -> ParticipantCredentials? {
    let id = try fields.optionalString("participantId")
    let token = try fields.optionalString("participantToken")
    if let bearer = bearerCredentials { return bearer }
    if let found = Self.pair(id, token) { return found }
    return allowsQuery ? Self.pair(query["participantId"], query["participantToken"]) : nil
  }

  /// A participant's credentials, which have to be there.
  ///
  /// - Throws: 400 `MISSING_CREDENTIALS` when they are not.
  func requiredCredentials(_ fields: RequestFields) throws(GatewayError) -> ParticipantCredentials {
    guard let found = try readableCredentials(fields) else { throw Self.missingParticipant }
    return found
  }

  /// A host session's token, or nil when nothing of the kind was sent.
  ///
  /// - Throws: 400 `MISSING_CREDENTIALS` for an `Authorization` that is no bearer token.
  func hostToken() throws(GatewayError) -> String? {
    guard head.headerFields[.authorization] != nil else { return nil }
    return try requiredHostToken()
  }

  /// A host session's token, which has to be there.
  ///
  /// - Throws: 400 `MISSING_CREDENTIALS` when it is not.
  func requiredHostToken() throws(GatewayError) -> String {
    guard let bearer else {
      throw GatewayError(.missingCredentials, "This call needs the host token: 'Authorization: Bearer <hostToken>'.")
    }
    return String(bearer)
  }

  private static let missingParticipant = GatewayError(
    .missingCredentials,
    "This call needs a participant: 'Authorization: Bearer <participantId>.<accessToken>', or 'participantId' and 'participantToken' in the body."
  )

  /// `<participantId>.<accessToken>`: a token holds no dot, an id may.
  var bearerCredentials: ParticipantCredentials? {
    guard let bearer, let dot = bearer.lastIndex(of: ".") else { return nil }
    return Self.pair(String(bearer[..<dot]), String(bearer[bearer.index(after: dot)...]))
  }

  private static func pair(_ id: String?, _ token: String?) -> ParticipantCredentials? {
    guard let id, let token, !id.isEmpty, !token.isEmpty else { return nil }
    return ParticipantCredentials(participantID: id, token: token)
  }
}
