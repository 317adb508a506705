internal import NIOCore
internal import Synchronization

/// Where everything that happens to an attachment waits for the one task that deals with it, in order and bounded.
///
/// Sendable: the events are behind a mutex. What says the same as an event that waits already is kept once. When there are too many,
/// nothing is lost in silence: they are replaced by `signalsDropped`, which ends the attachment.
final class DispatchMailbox: Sendable {
  typealias Event = DispatchAttachment.StateMachine.Event

  /// An element whenever there may be something to take.
  let rings: AsyncStream<Void>
  private let bell: AsyncStream<Void>.Continuation
  private let events = Mutex<[Event]>([])
  private let most: Int

  init(most: Int = 1_024) {
    self.most = most
    // A ring that is not heard yet says all there is to say.
    (rings, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Adds an event.
  func put(_ event: Event) {
    events.withLock { events in
      guard !events.contains(event) else { return }
      if events.count < most { events.append(event) } else { events = [.signalsDropped] }
    }
    bell.yield()
  }

  /// All events that wait, oldest first.
  func take() -> [Event] {
    events.withLock { events in
      defer { events = [] }
      return events
    }
  }

  /// Adds what a message on the host session's channel says: `wake`, `cancel <id>`, `permission <session> <approval>`,
  /// `fence <n>` or `gone`; what is not understood makes the attachment look.
  func put(message: ByteBuffer) {
    let words = String(buffer: message).split(separator: " ").map(String.init)
    switch (words.first, words.count) {
    case ("cancel", 2): put(.cancelAsked(words[1]))
    case ("permission", 3): put(.requestResolved(.init(session: words[1], approval: words[2])))
    case ("fence", 2): put(Int(words[1]).map { .fenceSeen($0) } ?? .lookWanted)
    case ("gone", _): put(.gone)
    default: put(.lookWanted)
    }
  }
}
