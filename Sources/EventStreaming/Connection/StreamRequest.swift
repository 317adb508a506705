public import SharedSessions

/// What an authorized caller asked for; a value.
public struct StreamRequest: Sendable, Hashable {
  /// Where a stream starts.
  public enum Start: Sendable, Hashable {
    /// With what happens from now on.
    case live
    /// With the oldest event that is kept.
    case earliest
    /// After an event; the text is as the client sent it.
    case after(String)
  }

  /// The session.
  public var sessionID: String
  /// Whose stream it is.
  public var participantID: String
  /// Where to start.
  public var start: Start
  /// Where the session's stream stood when the caller was authorized: nothing after it may be missed.
  public var authorized: EventID
  /// Whether the session had ended by then, so that the stream ends after its last event.
  public var hasEnded: Bool
  /// What the caller may see.
  public var visibility: EventVisibility
  /// The caller's streams on other nodes, by node, when they were authorized.
  public var streamsElsewhere: [String: Int]

  /// A request from its parts.
  public init(
    sessionID: String, participantID: String, start: Start, authorized: EventID, hasEnded: Bool = false,
    visibility: EventVisibility = .everything, streamsElsewhere: [String: Int] = [:]
  ) {
    self.sessionID = sessionID
    self.participantID = participantID
    self.start = start
    self.authorized = authorized
    self.hasEnded = hasEnded
    self.visibility = visibility
    self.streamsElsewhere = streamsElsewhere
  }
}
