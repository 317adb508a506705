import AgentClientProtocol
import DequeModule
import JSONText
import NIOCore

/// Updates of the agent that wait to be published; a pure value that is told the time.
///
/// Order is kept. Adjacent pieces of text of one message become one notification, for which the newest piece is held
/// back a moment; everything else passes as the agent wrote it. It is bounded in number and bytes: when it `isFull`,
/// the agent isn't read on.
struct NotificationQueue: Sendable {
  /// The bounds. Each has a metric's worth of a log line when it is met.
  struct Limits: Sendable {
    /// Notifications that wait at once.
    var count = 2_000
    /// Their bytes.
    var bytes = 4 * 1024 * 1024
    /// Notifications in one call.
    var batchCount = 200
    /// Bytes in one call, below what nodes take as a body (256 KiB).
    var batchBytes = 192 * 1024
    /// Bytes of one notification; one beyond `batchBytes` goes alone, as a line. A larger one is trimmed.
    var singleBytes = 2 * 1024 * 1024
    /// Bytes of a text that pieces are joined to.
    var textBytes = 32 * 1024
    /// How long a piece of text waits for the next one.
    var window: Duration = .milliseconds(30)

    init() {}
  }

  private struct Entry {
    var text: JSONText
    /// The pieces this entry is made of, while more of them may join.
    var chunk: TextChunk?
    let since: ContinuousClock.Instant
  }

  /// What to do next.
  enum Step: Sendable, Equatable {
    /// Publish these, then ask again.
    case publish([JSONText])
    /// A piece of text waits for the next one until then.
    case wait(until: ContinuousClock.Instant)
    /// Nothing waits.
    case idle
  }

  let limits: Limits
  private var entries: Deque<Entry> = []
  private var bytes = 0

  init(limits: Limits = Limits()) {
    self.limits = limits
  }

  /// Whether nothing more should be appended for now.
  var isFull: Bool { entries.count >= limits.count || bytes >= limits.bytes }
  /// Whether nothing waits.
  var isEmpty: Bool { entries.isEmpty }

  /// Adds an update behind all others. It is kept also when the queue is full: whoever appends asks first.
  mutating func append(_ notification: JSONText, at now: ContinuousClock.Instant) {
    let chunk = TextChunk(notification)
    if let chunk, var last = entries.last, let joined = last.chunk?.joined(with: chunk, limit: limits.textBytes) {
      bytes -= last.text.bytes.readableBytes
      last.text = joined.notification
      last.chunk = joined
      bytes += last.text.bytes.readableBytes
      entries[entries.count - 1] = last
      return
    }
    // On one line: it travels as one.
    let text = notification.compacted()
    entries.append(Entry(text: text, chunk: chunk, since: now))
    bytes += text.bytes.readableBytes
  }

  /// What can be published now.
  ///
  /// - Parameter flush: whether the newest piece of text goes out at once.
  mutating func next(at now: ContinuousClock.Instant, flush: Bool = false) -> Step {
    var batch: [JSONText] = []
    var batchBytes = 0
    while let entry = entries.first, batch.count < limits.batchCount {
      let due = entry.since + limits.window
      if entries.count == 1, entry.chunk != nil, !flush, due > now {
        return batch.isEmpty ? .wait(until: due) : .publish(batch)
      }
      let size = entry.text.bytes.readableBytes + 1
      if !batch.isEmpty, batchBytes + size > limits.batchBytes { break }
      entries.removeFirst()
      bytes -= size - 1
      batch.append(entry.text)
      batchBytes += size
    }
    return batch.isEmpty ? .idle : .publish(batch)
  }
}
