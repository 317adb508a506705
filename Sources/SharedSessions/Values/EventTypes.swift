/// The types of a session's events; a namespace.
public enum EventTypes {
  /// Those that scripts write, kept or only published.
  public static let written: Set<String> = [
    "shared_session_created", "session_updated", "session_closed", "participant_joined", "participant_left",
    "participant_updated", "participant_online", "participant_offline", "message_created", "prompt_pending_approval",
    "prompt_approved", "prompt_rejected", "prompt_withdrawn", "prompt_expired", "prompt_vote",
    "prompt_dispatch_started",
    "prompt_dispatch_completed", "prompt_dispatch_failed", "permission_requested", "permission_resolved",
    "permission_withdrawn", "question_requested", "question_resolved", "question_withdrawn",
    "host_session_update", "host_online", "host_offline",
  ]
  /// Those that a node writes into a stream itself.
  public static let ofStreams: Set<String> = ["connected", "stream_reset", "stream_refused"]
}

/// Which types of events a stream is for; nil takes all. A value.
public struct EventTypeFilter: Sendable, Hashable {
  private let types: Set<String>

  /// Why a list of types cannot be a filter: a word in it is no type.
  public struct UnknownType: Error, Sendable, Hashable {
    /// The word.
    public var word: String
  }

  /// Reads `a,b,c`; blanks around a word do not count.
  ///
  /// - Returns: nil for a list without words, which takes all.
  /// - Throws: `UnknownType` for the first word that is no type.
  public init?(_ list: String) throws(UnknownType) {
    var types: Set<String> = []
    for word in list.split(separator: ",") {
      let word = FieldRules.trimmed(String(word))
      guard !word.isEmpty else { continue }
      guard EventTypes.written.contains(word) || EventTypes.ofStreams.contains(word) else {
        throw UnknownType(word: word)
      }
      types.insert(word)
    }
    guard !types.isEmpty else { return nil }
    // Whoever waits for anything has to learn that nothing more comes.
    self.types = types.union(["session_closed"])
  }

  /// Whether the stream gets events of a type.
  public func takes(_ type: String) -> Bool { types.contains(type) }
}
