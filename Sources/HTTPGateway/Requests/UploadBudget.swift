import SharedSessions
import Synchronization

/// How many bytes of bodies beyond the usual limit are read at once on one node; safe to share, a `Mutex` guards the count.
final class UploadBudget: Sendable {
  private let most: Int
  private let taken = Mutex(0)

  init(most: Int) {
    self.most = most
  }

  /// Takes room for a body.
  ///
  /// - Throws: 503 `UNAVAILABLE` when others have it.
  func take(_ bytes: Int) throws(GatewayError) {
    let fits = taken.withLock { taken in
      guard taken + bytes <= most else { return false }
      taken += bytes
      return true
    }
    guard fits else {
      throw GatewayError(
        .unavailable, "Too many attachments are sent to this node just now; try again in a moment.")
    }
  }

  /// Gives it back.
  func give(_ bytes: Int) { taken.withLock { $0 -= bytes } }
}
