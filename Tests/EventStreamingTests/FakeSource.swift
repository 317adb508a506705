import NIOCore
import RedisClient
import SharedSessions
import Synchronization

@testable import EventStreaming

/// A log and a subscription in memory, with the faults of real ones. Sendable: all of it is behind a mutex.
final class FakeSource: SessionEventReader {
  private struct State {
    var log: [StoredEvent] = []
    var first = 1
    var nextID = 0
    var listeners: [Int: @Sendable (RedisSubscriptionEvent) -> Void] = [:]
    var isDeaf = false
    var isDown = false
    var pagesRead = 0
    /// Readers that wait for a page, while pages are held back.
    var waiting: [CheckedContinuation<Void, Never>]?
  }

  /// So many events fit into a page.
  static let pageSize = 16

  private let state = Mutex(State())

  /// Thrown while the source is down. A value.
  struct Down: Error {}

  private struct Subscription: EventSubscription {
    let onCancel: @Sendable () -> Void
    func cancel() { onCancel() }
  }

  /// Subscriptions that were not cancelled.
  var subscriptions: Int { state.withLock { $0.listeners.count } }
  /// How often a page was read.
  var pagesRead: Int { state.withLock { $0.pagesRead } }

  /// Appends an event and publishes it.
  func append(_ type: String = "message_created", subject: String? = nil) {
    append { EventStreamingTests.event($0, type, subject: subject) }
  }

  /// Appends what is made of the next number, and publishes it.
  func append(_ make: (Int) -> StoredEvent) {
    let (message, listeners) = state.withLock { state in
      let next = make(state.first + state.log.count)
      state.log.append(next)
      let (id, seq) = (next.position?.id.description ?? "-", next.position?.sequence ?? 0)
      let head = "\(id) \(seq) \(next.type) \(next.subject ?? "-")\n"
      return (
        ByteBuffer(string: head + String(buffer: next.data)), state.isDeaf ? [] : Array(state.listeners.values)
      )
    }
    for listener in listeners { listener(.message(message)) }
  }

  /// Reads what `append` published.
  func event(_ message: ByteBuffer, of sessionID: String) -> StoredEvent? {
    let parts = String(buffer: message).split(separator: "\n", maxSplits: 1)
    let head = parts.first?.split(separator: " ") ?? []
    guard head.count == 4, parts.count == 2, let sequence = Int64(head[1]) else { return nil }
    return StoredEvent(
      position: EventID(head[0]).map { EventPosition(id: $0, sequence: sequence) }, type: String(head[2]),
      subject: head[3] == "-" ? nil : String(head[3]), data: ByteBuffer(string: String(parts[1])))
  }

  /// Whether published events are lost without a word.
  func setDeaf(_ isDeaf: Bool) { state.withLock { $0.isDeaf = isDeaf } }
  /// Whether nothing can be read.
  func setDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }

  /// Whether pages are held back until this is false again.
  func holdPages(_ isHeld: Bool) {
    let waiting = state.withLock { state in
      let waiting = state.waiting ?? []
      state.waiting = isHeld ? waiting : nil
      return isHeld ? [] : waiting
    }
    for reader in waiting { reader.resume() }
  }

  /// Readers that wait for a page.
  var heldReaders: Int { state.withLock { $0.waiting?.count ?? 0 } }

  /// Forgets the oldest events.
  func trim(_ count: Int) {
    state.withLock { state in
      state.log.removeFirst(count)
      state.first += count
    }
  }

  /// Tells the subscribers that the connection is back.
  func restore() {
    for listener in state.withLock({ Array($0.listeners.values) }) { listener(.restored) }
  }

  func subscribe(
    to sessionID: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws -> any EventSubscription {
    let number = try state.withLock { state in
      guard !state.isDown else { throw Down() }
      state.nextID += 1
      state.listeners[state.nextID] = onEvent
      return state.nextID
    }
    return Subscription { [self] in _ = state.withLock { $0.listeners.removeValue(forKey: number) } }
  }

  func tail(of sessionID: String) async throws -> EventPosition {
    try state.withLock { state in
      guard !state.isDown else { throw Down() }
      return state.log.last?.position ?? position(0)
    }
  }

  func page(of sessionID: String, after id: EventID, limit: Int) async throws -> EventPage {
    await withCheckedContinuation { reader in
      let isHeld = state.withLock { state in
        state.waiting?.append(reader)
        return state.waiting != nil
      }
      if !isHeld { reader.resume() }
    }
    return try state.withLock { state in
      guard !state.isDown else { throw Down() }
      state.pagesRead += 1
      let isKnown = id == .zero || state.log.contains { $0.position?.id == id }
      guard isKnown else { return unknown }
      let rest = state.log.filter { ($0.position?.id ?? .zero) > id }
      let count = min(limit, Self.pageSize)
      return EventPage(events: Array(rest.prefix(count)), reachedEnd: rest.count <= count)
    }
  }
}

/// A connection in memory. Bound to the loop its owner uses it on.
final class FakeOutput: StreamOutput {
  var isWritable = true {
    didSet { if isWritable != oldValue { onWritabilityChanged?(isWritable) } }
  }
  var onWritabilityChanged: ((Bool) -> Void)?
  var onClosed: (() -> Void)?
  private(set) var text = ""
  private(set) var writes = 0

  func write(_ bytes: ByteBuffer) {
    writes += 1
    text += String(buffer: bytes)
  }
}
