internal import DequeModule
internal import NIOCore
internal import RedisWire

/// Which reply belongs to which command on one connection, and what becomes of a command that gets none. A value.
///
/// Redis answers in order, so the pipeline is a queue. Durable writes are answered only when a `WAIT` behind them is:
/// one barrier at the end of a flush covers every write in it. Generic over the ticket through which a caller gets its
/// answer, so that tests use plain strings.
struct CommandPipelineStateMachine<Ticket> {
  /// What to do with a reply.
  enum ReplyAction {
    /// Give it to the caller.
    case deliver(Ticket, RedisValue)
    /// Nothing now: its caller gave up, or it waits for the barrier.
    case none
    /// The barrier's reply: give these to their callers if it confirms them.
    case release([(ticket: Ticket, value: RedisValue)], confirmation: RedisValue)
    /// Nobody asked: the connection is out of step and must be closed.
    case unsolicited
  }

  /// What to do when time has passed.
  struct DeadlineAction {
    /// Callers that get no answer in time.
    var expired: [(ticket: Ticket, mayHaveRun: Bool)] = []
    /// The oldest reply is overdue by so much that the connection must be closed.
    var isStuck = false
    /// When to ask again; nil while nothing is under way.
    var next: NIODeadline?
  }

  private struct Entry {
    /// Nil once the caller gave up, and for a barrier.
    var ticket: Ticket?
    let isBarrier: Bool
    let needsBarrier: Bool
    let bytes: Int
    let deadline: NIODeadline
  }

  private struct Held {
    var ticket: Ticket
    var value: RedisValue
    var deadline: NIODeadline
  }

  private let maximumCount: Int
  private let maximumBytes: Int
  /// How long after its deadline the oldest reply may still come.
  private let grace: TimeAmount
  private var entries: Deque<Entry> = []
  /// Entries at the front that were handed to the socket.
  private var writtenCount = 0
  /// Entries at the front whose caller gave up.
  private var expiredCount = 0
  private var held: Deque<Held> = []
  private var batchNeedsBarrier = false
  /// Whether a barrier has no reply yet. Until it has, nothing more is to be flushed.
  private(set) var awaitsBarrier = false
  private var isClosed = false
  /// Encoded bytes of all commands without a reply.
  private(set) var bytesInFlight = 0

  init(maximumCount: Int, maximumBytes: Int, grace: TimeAmount) {
    self.maximumCount = maximumCount
    self.maximumBytes = maximumBytes
    self.grace = grace
  }

  /// Commands without a reply.
  var count: Int { entries.count }

  /// Whether there is no room for a command of at most `bytes`.
  func isFull(adding bytes: Int) -> Bool {
    entries.count >= maximumCount || bytesInFlight + bytes > maximumBytes
  }

  /// Takes a command that was encoded. Deadlines must not decrease from one to the next.
  ///
  /// - Returns: whether a flush must be scheduled, because this is the first command since the last one.
  mutating func add(_ ticket: Ticket, bytes: Int, needsBarrier: Bool, deadline: NIODeadline) -> Bool {
    precondition(!isClosed)
    entries.append(
      Entry(ticket: ticket, isBarrier: false, needsBarrier: needsBarrier, bytes: bytes, deadline: deadline))
    bytesInFlight += bytes
    batchNeedsBarrier = batchNeedsBarrier || needsBarrier
    return entries.count == writtenCount + 1
  }

  /// Says whether the commands about to be written need a barrier behind them.
  mutating func prepareFlush(barrierDeadline: NIODeadline) -> Bool {
    defer { batchNeedsBarrier = false }
    guard batchNeedsBarrier, !isClosed else { return false }
    awaitsBarrier = true
    entries.append(Entry(ticket: nil, isBarrier: true, needsBarrier: false, bytes: 0, deadline: barrierDeadline))
    return true
  }

  /// Everything taken so far has been handed to the socket: from now on it may have run.
  mutating func flushed() { writtenCount = entries.count }

  mutating func receive(_ value: RedisValue) -> ReplyAction {
    guard !isClosed else { return .none }
    guard writtenCount > 0, let entry = entries.popFirst() else { return .unsolicited }
    writtenCount -= 1
    expiredCount = max(expiredCount - 1, 0)
    bytesInFlight -= entry.bytes
    if entry.isBarrier {
      awaitsBarrier = false
      defer { held.removeAll(keepingCapacity: true) }
      return .release(held.map { ($0.ticket, $0.value) }, confirmation: value)
    }
    guard let ticket = entry.ticket else { return .none }
    // An error needs no confirmation: the caller cannot rely on anything anyway.
    guard entry.needsBarrier, value.errorMessage == nil else { return .deliver(ticket, value) }
    held.append(Held(ticket: ticket, value: value, deadline: entry.deadline))
    return .none
  }

  mutating func checkDeadlines(now: NIODeadline) -> DeadlineAction {
    var action = DeadlineAction()
    guard !isClosed else { return action }
    while let first = held.first, first.deadline <= now {
      action.expired.append((first.ticket, true))
      held.removeFirst()
    }
    while expiredCount < entries.count, entries[expiredCount].deadline <= now {
      if let ticket = entries[expiredCount].ticket.take() {
        // Also one that is not written yet: it will be.
        action.expired.append((ticket, true))
      }
      expiredCount += 1
    }
    if let oldest = entries.first, oldest.deadline + grace <= now { action.isStuck = true }
    let candidates = [
      held.first?.deadline, expiredCount < entries.count ? entries[expiredCount].deadline : nil,
      entries.first.map { $0.deadline + grace },
    ]
    action.next = candidates.compactMap { $0 }.min()
    return action
  }

  /// The connection is gone.
  ///
  /// - Returns: the callers without an answer, and whether their command may have run.
  mutating func close() -> [(ticket: Ticket, mayHaveRun: Bool)] {
    guard !isClosed else { return [] }
    isClosed = true
    var lost = held.map { (ticket: $0.ticket, mayHaveRun: true) }
    for (index, entry) in entries.enumerated() {
      if let ticket = entry.ticket { lost.append((ticket, index < writtenCount)) }
    }
    entries.removeAll()
    held.removeAll()
    bytesInFlight = 0
    writtenCount = 0
    expiredCount = 0
    return lost
  }
}
