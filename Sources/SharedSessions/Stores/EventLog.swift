public import NIOCore
internal import RedisClient

/// How a caller of a stream says who they are.
public enum StreamAccess: Sendable, Hashable {
  /// A participant's id and token.
  case credentials(ParticipantCredentials)
  /// A single-use ticket.
  case ticket(String)
}

/// What a caller may stream, and where the log was at that moment. A value.
public struct StreamAuthorization: Sendable, Hashable {
  /// Whose stream it is.
  public var participantID: String
  /// Their role then.
  public var role: Role
  /// The id of the newest event.
  public var cursor: String
  /// Its sequence number.
  public var sequence: Int64
  /// `active`, or how the session ended.
  public var status: SessionStatus
  /// What viewers saw of the agent's work then.
  public var viewerUpdates: ViewerUpdates
  /// How many streams they had open then, by node; a node that has died may still be among them.
  public var streams: [String: Int]
}

/// Reads what a session's stream in Redis holds. A value.
public struct EventLog: Sendable {
  let runner: ScriptRunner

  /// Checks who wants to stream.
  ///
  /// - Parameters:
  ///   - hasCursor: with a cursor an ended session can still be read by those who were present at its end.
  /// - Throws: `INVALID_TICKET`, and the refusals of every call with credentials.
  public func authorize(
    _ sessionID: String, access: StreamAccess, hasCursor: Bool
  ) async throws(SharedSessionError) -> StreamAuthorization {
    let cursor: RedisArgument = hasCursor ? "cursor" : ""
    let outcome: ScriptOutcome
    let streamer: String
    switch access {
    case .credentials(let credentials):
      streamer = credentials.participantID
      outcome = try await runner.session(
        ScriptLibrary.streamAuthorize, sessionID, as: .participant(credentials), ["cursor": cursor])
    case .ticket(let ticket):
      // The session comes first in the contract's order, and a ticket for another session is not used up by it.
      let key = runner.keys.ticket(Secrets.digest(ticket))
      let kept = try await runner.send("GET", key: key).string?.split(separator: " ") ?? []
      let participantID = kept.count == 2 && kept[0] == sessionID ? String(kept[1]) : ""
      let checked = try await runner.session(
        ScriptLibrary.streamAuthorize, sessionID, as: .known(participantID, tokenDigest: "ticket"), ["cursor": cursor])
      if participantID.isEmpty, checked.refusal == ErrorCode.participantNotFound.rawValue {
        throw SharedSessionError(.invalidTicket)
      }
      _ = try checked.parts()
      guard try await runner.send("GETDEL", key: key).string != nil else { throw SharedSessionError(.invalidTicket) }
      streamer = participantID
      outcome = checked
    }
    let parts = try outcome.parts(atLeast: 4)
    guard let role = Role(rawValue: try parts.text(0)), let state = KeptSession(try parts.text(1)),
      let status = SessionStatus(rawValue: try parts.text(2))
    else { throw SharedSessionError(.internalError) }
    return StreamAuthorization(
      participantID: streamer, role: role, cursor: state.newest.cursor, sequence: state.newest.sequence, status: status,
      viewerUpdates: state.viewerUpdates, streams: Self.streams(try parts.text(3)))
  }

  /// Reads `node=streams`, separated by blanks.
  private static func streams(_ text: String) -> [String: Int] {
    text.split(separator: " ").reduce(into: [:]) { streams, entry in
      guard let equals = entry.lastIndex(of: "="), let count = Int(entry[entry.index(after: equals)...]) else { return }
      streams[String(entry[..<equals])] = count
    }
  }

  /// The shard channel a session's events are published on.
  public func channel(_ sessionID: String) -> String { runner.keys.channel(sessionID) }

  /// Events after a cursor, oldest first: as many as fit into `eventPageBytes`, and always one when there is one.
  ///
  /// - Parameters:
  ///   - cursor: an entry id, or `earliest`; anything else is unknown. It must still be there itself: otherwise some of the
  ///     events after it may be gone, too.
  ///   - limit: how many at most.
  public func page(
    _ sessionID: String, after cursor: String, limit: Int = pageLimit
  ) async throws(SharedSessionError) -> EventPage {
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    let fromStart = cursor == "earliest"
    guard fromStart || EventID(cursor) != nil else {
      return EventPage(events: [], isCursorKnown: false, reachedEnd: true)
    }
    let parts = try await runner.session(
      ScriptLibrary.eventsPage, sessionID,
      [
        "after": .string(fromStart ? "-" : cursor), "most": .integer(limit),
        "most_bytes": .integer(runner.settings.eventPageBytes),
      ]
    ).parts(atLeast: 2)
    var events: [StoredEvent] = []
    events.reserveCapacity(parts.count - 2)
    for index in parts.indices.dropFirst(2) {
      guard let event = Self.parse(try parts.part(index), of: sessionID), event.position != nil else {
        throw SharedSessionError(.internalError)
      }
      events.append(event)
    }
    return EventPage(events: events, isCursorKnown: parts[0].integer == 1, reachedEnd: parts[1].integer == 1)
  }

  /// The most events of one page.
  public static let pageLimit = 256

  /// Where the log ends now.
  ///
  /// - Throws: `SESSION_NOT_FOUND` when the session is gone.
  public func tail(_ sessionID: String) async throws(SharedSessionError) -> EventPosition {
    let state = try await runner.send("HGET", key: runner.keys.session(sessionID), "state").string
    guard let state else { throw SharedSessionError(.sessionNotFound) }
    guard let state = KeptSession(state) else { throw SharedSessionError(.internalError) }
    return state.newest
  }

  /// Reads an event as a session's channel and its log hold it.
  ///
  /// - Returns: nil for anything that is not such a message.
  public static func parse(_ message: ByteBuffer, of sessionID: String) -> StoredEvent? {
    KeptEvent(message)?.event(of: sessionID)
  }
}
