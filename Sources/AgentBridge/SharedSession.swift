public import JSONText

/// What a host shares: ids, links and the host's own credentials; an immutable value. Handle it like a password.
public struct SharedSession: Sendable, Hashable {
  /// The server the links point to.
  public let server: String
  /// The shared session's id.
  public let id: String
  /// What lets somebody join.
  public let inviteToken: String
  /// The host session's id.
  public let hostSessionID: String
  /// The host's participant id.
  public let hostParticipantID: String
  /// The host's access token.
  public let hostAccessToken: String

  /// The link to give away. The part behind `#` never reaches a server.
  public var inviteURL: String { "\(server)/s/\(id)#invite=\(inviteToken)" }
  /// The link with which the host uses the web app as themselves. Not to be given away.
  public var hostURL: String { "\(server)/s/\(id)#host=\(credentials)" }
  /// What follows `Bearer` when the host calls.
  var credentials: String { "\(hostParticipantID).\(hostAccessToken)" }
  /// The session's route.
  var path: String { "/api/shared-sessions/\(id)" }

  /// The first line of `tandem host --json`.
  public var firstLine: JSONText {
    JSONText {
      $0.add("type", "shared")
      $0.add("server", server)
      $0.add("sharedSessionId", id)
      $0.add("inviteToken", inviteToken)
      $0.add("hostSessionId", hostSessionID)
      $0.add("hostParticipantId", hostParticipantID)
      $0.add("hostAccessToken", hostAccessToken)
      $0.add("inviteURL", inviteURL)
    }
  }
}
