import Logging
import SharedSessions

/// A value: presence as the domain keeps it.
struct StoredPresence: StreamPresence {
  let store: PresenceStore
  let logger: Logger

  func participant(_ participantID: String, of sessionID: String, isOnline: Bool) async {
    do throws(SharedSessionError) {
      if isOnline {
        try await store.connected(sessionID, participantID: participantID)
      } else {
        try await store.disconnected(sessionID, participantID: participantID)
      }
    } catch {
      // The next change sets it right; a node that is gone is cleared up by the others' sweepers.
      logger.warning(
        "Presence could not be stored", metadata: ["session.id": "\(sessionID)", "error": "\(error.message)"])
    }
  }
}
