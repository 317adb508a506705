import DequeModule
import JSONText
import NIOCore

/// What an agent replays of an earlier conversation: a pure value that keeps the end of it, bounded in number and bytes.
struct ConversationReplay: Sendable {
  private let maximumUpdates: Int
  private let maximumBytes: Int
  private var updates: Deque<AgentNotification> = []
  private var bytes = 0
  private var dropped = 0

  init(maximumUpdates: Int, maximumBytes: Int) {
    self.maximumUpdates = maximumUpdates
    self.maximumBytes = maximumBytes
  }

  /// Takes the next update. What is too much goes from the beginning.
  mutating func append(_ update: AgentNotification) {
    updates.append(update.replayed())
    bytes += update.text.bytes.readableBytes
    while updates.count > maximumUpdates || bytes > maximumBytes, let first = updates.popFirst() {
      bytes -= first.text.bytes.readableBytes
      dropped += 1
    }
  }

  /// All of it, and how many updates are missing at the beginning; then nothing is left.
  mutating func take() -> (updates: [AgentNotification], dropped: Int) {
    defer { self = ConversationReplay(maximumUpdates: maximumUpdates, maximumBytes: maximumBytes) }
    return (Array(updates), dropped)
  }
}
