import NIOCore
import SharedSessions

/// Bound to its connection's event loop; one client's interest in one session. It takes what the session's feed
/// delivers; the connection carries out what `StreamSubscriptionStateMachine` decides.
final class StreamSubscription {
  /// Its place among the streams of the connection.
  let index: Int
  private let connection: StreamConnection
  private var machine: StreamSubscriptionStateMachine
  private var shownCursor: (id: EventID, text: String)
  /// Told once when the session's part of the connection is over.
  private let onEnd: (StreamSubscription, StreamEnd) -> Void

  init(
    index: Int, machine: StreamSubscriptionStateMachine, connection: StreamConnection,
    onEnd: @escaping (StreamSubscription, StreamEnd) -> Void
  ) {
    self.index = index
    self.machine = machine
    self.connection = connection
    self.onEnd = onEnd
    self.shownCursor = (machine.position, StreamCursor.text(machine.position))
  }

  /// What has been handed to the client or passed over.
  var position: EventID { machine.position }
  var hasEnded: Bool { machine.hasEnded }

  /// The position as it stands in a cursor.
  var cursor: String {
    if shownCursor.id != machine.position { shownCursor = (machine.position, StreamCursor.text(machine.position)) }
    return shownCursor.text
  }

  func batch(_ batch: EventBatch, _ frames: inout BatchFrames) {
    connection.perform(machine.batch(batch, &frames), of: self, &frames)
  }

  func page(_ page: EventPage, endsHere: Bool) {
    connection.perform(machine.page(page, endsHere: endsHere), of: self)
  }

  /// The session's events cannot be followed any more.
  func finish(_ reason: StreamEnd) {
    connection.perform(machine.finish(reason), of: self)
  }

  /// Called by the connection.
  func ended(_ reason: StreamEnd) { onEnd(self, reason) }
}
