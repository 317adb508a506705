import HTTPTypes
import SharedSessions

/// One session that a caller wants on a combined stream, form already checked. A value.
struct RequestedStream: Sendable, Hashable {
  /// The session.
  var sessionID: String
  /// How the caller says who they are in it.
  var access: StreamAccess
  /// The cursor they want to start from, or nil.
  var cursor: String?
}

extension IncomingRequest {
  /// The sessions of a combined stream: `<sessionId>,<credential>[,<cursor>]`, each in a `session` of the query or
  /// between blanks in `Tandem-Sessions`. A credential with a dot is `<participantId>.<accessToken>`, one without a
  /// stream ticket.
  ///
  /// - Throws: 400 `INVALID_QUERY`.
  func requestedStreams(limit: Int) throws(GatewayError) -> [RequestedStream] {
    let header = head.headerFields[values: .sessions].flatMap { $0.split(separator: " ").map(String.init) }
    let inQuery = query.all("session")
    guard header.isEmpty || inQuery.isEmpty else {
      throw GatewayError(
        .invalidQuery, "Name the sessions in 'session' or in the header 'Tandem-Sessions', not in both.")
    }
    let texts = header.isEmpty ? inQuery : header
    guard (1...limit).contains(texts.count) else {
      throw GatewayError(
        .invalidQuery,
        "A stream takes 1 to \(limit) sessions, each as 'session=<sessionId>,<participantId>.<accessToken>[,<cursor>]'; there are \(texts.count)."
      )
    }
    var requested: [RequestedStream] = []
    var known: Set<String> = []
    for (index, text) in texts.enumerated() {
      let stream = try Self.requestedStream(text, number: index + 1)
      guard known.insert(stream.sessionID).inserted else {
        throw GatewayError(
          .invalidQuery, "Session \(index + 1) of the stream was named before; each may be there once.")
      }
      requested.append(stream)
    }
    return requested
  }

  /// Reads one. What it says about a wrong one never repeats it: it may hold a token.
  private static func requestedStream(_ text: String, number: Int) throws(GatewayError) -> RequestedStream {
    let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 2, FieldRules.isIdentifier(parts[0]), let access = streamAccess(parts[1]) else {
      throw GatewayError(
        .invalidQuery,
        "Session \(number) of the stream must be '<sessionId>,<participantId>.<accessToken>[,<cursor>]', or have a stream ticket for the credentials."
      )
    }
    return RequestedStream(
      sessionID: parts[0], access: access, cursor: parts.count > 2 && !parts[2].isEmpty ? parts[2] : nil)
  }

  private static func streamAccess(_ credential: String) -> StreamAccess? {
    guard let dot = credential.lastIndex(of: ".") else { return credential.isEmpty ? nil : .ticket(credential) }
    let (id, token) = (String(credential[..<dot]), String(credential[credential.index(after: dot)...]))
    guard !id.isEmpty, !token.isEmpty else { return nil }
    return .credentials(ParticipantCredentials(participantID: id, token: token))
  }
}
