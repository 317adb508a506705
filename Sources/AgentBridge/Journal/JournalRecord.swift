internal import JSONText

/// What a bridge has to know to go on with what it shared before it was lost. A value; handle it like a password.
public struct JournalRecord: Sendable, Hashable {
  /// Prompts whose ids are kept: many more than can be under way, and so few that each of them is written in a moment.
  static let mostBegun = 1_000

  /// The directory the agent works in, by which a bridge finds the journal of its forerunner.
  public var directory: String
  /// Base URLs of the nodes.
  public var servers: [String]
  /// The host session and its token; nil before it is registered.
  var host: HostAPI.HostSession?
  /// What is shared; nil before it is.
  public internal(set) var session: SharedSession?
  /// Ids of the dispatches that were begun, oldest first: none of them may ever be begun again.
  private(set) var begun: [String] = []

  /// A record of nothing yet.
  public init(directory: String, servers: [String]) {
    self.directory = directory
    self.servers = servers
  }

  mutating func begin(_ dispatchID: String) {
    begun.append(dispatchID)
    if begun.count > Self.mostBegun { begun.removeFirst(begun.count - Self.mostBegun) }
  }

  /// As it is written.
  var text: JSONText {
    JSONText { record in
      record.add("version", 1)
      record.add("directory", directory)
      record.add("servers", JSONText(array: servers.map { JSONText(string: $0) }))
      record.add("hostSessionId", host?.id)
      record.add("hostToken", host?.token)
      if let session {
        record.add("session") {
          $0.add("server", session.server)
          $0.add("id", session.id)
          $0.add("inviteToken", session.inviteToken)
          $0.add("hostParticipantId", session.hostParticipantID)
          $0.add("hostAccessToken", session.hostAccessToken)
        }
      }
      record.add("begun", JSONText(array: begun.map { JSONText(string: $0) }))
    }
  }

  /// Reads what was written; nil when it is something else.
  init?(_ text: JSONText) {
    guard text["version"]?.integer == 1, let directory = text["directory"]?.string,
      let servers = text["servers"]?.elements.map(\.string), !servers.isEmpty, !servers.contains(nil),
      let begun = text["begun"]?.elements.map(\.string), !begun.contains(nil), begun.count <= Self.mostBegun
    else { return nil }
    self.init(directory: directory, servers: servers.compactMap(\.self))
    self.begun = begun.compactMap(\.self)
    guard let id = text["hostSessionId"]?.string else { return }
    guard let token = text["hostToken"]?.string, DispatchMessage.isPlain(id) else { return nil }
    host = HostAPI.HostSession(id: id, token: token)
    guard let session = text["session"] else { return }
    guard let server = session["server"]?.string, let sessionID = session["id"]?.string,
      DispatchMessage.isPlain(sessionID), let invite = session["inviteToken"]?.string,
      let participant = session["hostParticipantId"]?.string, let access = session["hostAccessToken"]?.string
    else { return nil }
    self.session = SharedSession(
      server: server, id: sessionID, inviteToken: invite, hostSessionID: id, hostParticipantID: participant,
      hostAccessToken: access)
  }
}
