import Metrics

/// What is counted about streams. Immutable.
struct StreamMetrics: Sendable {
  private let open = Meter(label: "tandem.streams.open")
  private let awaiting = Meter(label: "tandem.streams.waiting")
  private let deliveries = Counter(label: "tandem.streams.deliveries")
  private let unreadable = Counter(label: "tandem.streams.events.unreadable")
  private let repairs = Counter(label: "tandem.streams.repairs")
  private let repaired = Counter(label: "tandem.streams.events.repaired")
  private let dropped = Counter(label: "tandem.streams.held.dropped")
  private let resets = Counter(label: "tandem.streams.resets")
  private let ends: [StreamEnd: Counter]
  private let refusals = Counter(label: "tandem.streams.refused")
  private let combined = Meter(label: "tandem.streams.combined.open")
  private let refusedSessions = Counter(label: "tandem.streams.combined.refused")

  init() {
    ends = Dictionary(
      uniqueKeysWithValues: StreamEnd.allCases.map { reason in
        (reason, Counter(label: "tandem.streams.ended", dimensions: [("reason", reason.rawValue)]))
      })
  }

  func opened() { open.increment() }
  func ended(_ reason: StreamEnd) {
    open.decrement()
    ends[reason]?.increment()
  }
  func delivered(_ events: Int) { deliveries.increment(by: events) }
  func unreadableEvent() { unreadable.increment() }
  func repairing() { repairs.increment() }
  func repaired(_ events: Int) { repaired.increment(by: events) }
  func droppedHeld(_ events: Int) { dropped.increment(by: events) }
  func reset() { resets.increment() }
  func refused() { refusals.increment() }
  func waiting() { awaiting.increment() }
  func waited() { awaiting.decrement() }
  func combinedOpened() { combined.increment() }
  func combinedEnded() { combined.decrement() }
  func sessionRefused() { refusedSessions.increment() }
}
