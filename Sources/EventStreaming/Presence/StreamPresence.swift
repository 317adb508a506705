/// Where is kept who has how many streams on which node.
public protocol StreamPresence: Sendable {
  /// Keeps how many streams of a participant this node holds now. Calls for one participant never overlap.
  ///
  /// - Parameter streams: 0 while the participant may be coming back, and still counts as online; nil when they are gone.
  /// - Returns: false when it could not be kept, and should be tried again.
  func participant(_ participantID: String, of sessionID: String, hasStreams streams: Int?) async -> Bool

  /// How many of some streams are on nodes that are alive.
  ///
  /// - Parameter byNode: what was read of other nodes. One that has died takes nothing back.
  /// - Throws: when that cannot be found out.
  func living(_ byNode: [String: Int]) async throws -> Int
}
