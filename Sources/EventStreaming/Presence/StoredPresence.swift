import Logging
import Observability
import SharedSessions

/// Presence as the domain keeps it. A value.
struct StoredPresence: StreamPresence {
  let store: PresenceStore
  let logger: Logger

  func participant(_ participantID: String, of sessionID: String, hasStreams streams: Int?) async -> Bool {
    do throws(SharedSessionError) {
      try await store.set(sessionID, participantID: participantID, streams: streams)
      return true
    } catch {
      // It is tried again, and why Redis cannot be used is told once for all.
      logger.debug(
        "presence could not be kept",
        metadata: [LogKey.sharedSessionID: "\(sessionID)", LogKey.error: "\(error.message)"])
      return false
    }
  }

  func living(_ byNode: [String: Int]) async throws -> Int {
    let living = try await store.living(byNode.keys)
    return byNode.reduce(0) { living.contains($1.key) ? $0 + $1.value : $0 }
  }
}
