import JSONText
import NIOCore

/// Updates of sessions whose ids aren't known yet: a pure value, bounded in number and bytes.
struct EarlyUpdates: Sendable {
  private let maximumUpdates: Int
  private let maximumBytes: Int
  private var updates: [AgentNotification] = []
  private var bytes = 0

  init(maximumUpdates: Int, maximumBytes: Int) {
    self.maximumUpdates = maximumUpdates
    self.maximumBytes = maximumBytes
  }

  var isEmpty: Bool { updates.isEmpty }

  /// Keeps an update; false when there is no room.
  mutating func append(_ update: AgentNotification) -> Bool {
    let size = update.text.bytes.readableBytes
    guard updates.count < maximumUpdates, bytes + size <= maximumBytes else { return false }
    updates.append(update)
    bytes += size
    return true
  }

  /// The updates of a session, which are no longer kept.
  mutating func take(of sessionID: String) -> [AgentNotification] {
    let taken = updates.filter { $0.sessionID == sessionID }
    updates.removeAll { $0.sessionID == sessionID }
    bytes -= taken.reduce(0) { $0 + $1.text.bytes.readableBytes }
    return taken
  }

  mutating func removeAll() {
    updates.removeAll()
    bytes = 0
  }
}
