import SharedSessions
import TestSupport
import Testing

@testable import EventStreaming

@Suite struct SessionFeedStateMachineTests {
  private func following(_ seq: Int) -> SessionFeedStateMachine {
    var feed = SessionFeedStateMachine()
    #expect(feed.started(at: position(seq)) == .none)
    return feed
  }

  @Test func eventsInOrderGoStraightThrough() {
    var feed = following(4)
    #expect(feed.received(event(5)) == .deliver([event(5)]))
    #expect(feed.received(event(6)) == .deliver([event(6)]))
  }

  @Test func repeatsAreDropped() {
    var feed = following(4)
    #expect(feed.received(event(4)) == .none)
    #expect(feed.received(event(5)) == .deliver([event(5)]))
    #expect(feed.received(event(5)) == .none)
    #expect(feed.received(event(1)) == .none)
  }

  @Test func whatComesBeforeTheStartIsKnownWaitsAndIsSorted() {
    var feed = SessionFeedStateMachine()
    for seq in 3...6 { #expect(feed.received(event(seq)) == .none) }
    #expect(feed.started(at: position(4)) == .deliver([event(5), event(6)]))
  }

  @Test func aHoleIsFilledFromTheStreamBeforeAnythingElse() {
    var feed = following(4)
    #expect(feed.received(event(7)) == .deliverAndRead([], after: position(4)))
    #expect(feed.received(event(8)) == .none)
    #expect(feed.page(page(5...7)) == .deliver([event(5), event(6), event(7), event(8)]))
    #expect(feed.received(event(9)) == .deliver([event(9)]))
  }

  @Test func aHoleBehindARepairIsRepairedToo() {
    var feed = following(4)
    _ = feed.received(event(6))
    #expect(feed.received(event(9)) == .none)
    #expect(feed.page(page(5...7)) == .deliverAndRead([event(5), event(6), event(7)], after: position(7)))
    #expect(feed.page(page(8...9)) == .deliver([event(8), event(9)]))
  }

  @Test func longRepairsGoPageByPage() {
    var feed = following(0)
    #expect(feed.suspected() == .read(after: position(0)))
    #expect(
      feed.page(page(1...3, isLast: false)) == .deliverAndRead([event(1), event(2), event(3)], after: position(3)))
    #expect(feed.page(page(4...4)) == .deliver([event(4)]))
  }

  @Test func aSuspicionDuringARepairReadsOnceMore() {
    var feed = following(4)
    #expect(feed.suspected() == .read(after: position(4)))
    #expect(feed.suspected() == .none)
    #expect(feed.page(page(5...5)) == .deliverAndRead([event(5)], after: position(5)))
    #expect(feed.page(nothingMore) == .none)
    #expect(feed.received(event(6)) == .deliver([event(6)]))
  }

  @Test func aFailedReadIsTriedAgain() {
    var feed = following(4)
    _ = feed.suspected()
    #expect(feed.readFailed() == .read(after: position(4)))
    #expect(feed.page(page(5...5)) == .deliver([event(5)]))
    #expect(feed.readFailed() == .none)
  }

  @Test func whatIsNotKeptPassesWithoutMovingThePosition() {
    var feed = following(4)
    #expect(feed.received(passing()) == .deliver([passing()]))
    #expect(feed.received(event(5)) == .deliver([event(5)]))
  }

  @Test func eventsThatAreGoneForGoodAreAGap() {
    var trimmed = following(4)
    _ = trimmed.suspected()
    #expect(trimmed.page(unknown) == .gap)
    #expect(trimmed.received(event(5)) == .none)

    var holed = following(4)
    _ = holed.suspected()
    #expect(holed.page(page(7...8)) == .gap)
  }

  @Test func aCountThatWentBackIsAGapAndNoRepeat() {
    var feed = following(9)
    var rewritten = event(7)
    rewritten.position?.id = EventID(milliseconds: 99_999, sequence: 0)
    #expect(feed.received(rewritten) == .gap)
  }

  @Test func whatIsHeldIsBoundedAndStillNothingIsLost() {
    var feed = SessionFeedStateMachine(heldEvents: 3)
    _ = feed.started(at: position(0))
    _ = feed.suspected()
    for seq in 1...10 { #expect(feed.received(event(seq)) == .none) }
    #expect(feed.page(page(1...2)) == .deliverAndRead([event(1), event(2)], after: position(2)))
    #expect(feed.page(page(3...10)) == .deliver((3...10).map { event($0) }))
  }

  @Test func hugeEventsDuringARepairAreNotPinnedAndTheHoleIsSeen() {
    var feed = SessionFeedStateMachine(heldBytes: 1 << 20)
    _ = feed.started(at: position(0))
    _ = feed.suspected()
    for seq in 1...50 {
      #expect(feed.received(large(seq)) == .none)
      #expect(feed.received(passing()) == .none)
      #expect(feed.heldBytes < 2 << 20)
    }
    #expect(feed.dropped == 49)
    // The page was read before any of them: the one that is held shows that there is more.
    guard case .deliverAndRead(_, position(0)) = feed.page(nothingMore) else {
      Issue.record("the hole is not seen")
      return
    }
    guard case .deliver(let rest) = feed.page(EventPage(events: (1...50).map(large), reachedEnd: true)) else {
      Issue.record("nothing is missing any more")
      return
    }
    #expect(rest.compactMap { $0.position?.sequence } == Array(1...50))
  }

  /// A log that grows, a subscription that loses, repeats and delays: what comes out is the log.
  @Test(arguments: 0..<200)
  func whateverTheSubscriptionDoesTheStreamsGetTheLog(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var feed = SessionFeedStateMachine(heldEvents: seed % 2 == 0 ? 4 : 256, heldBytes: 40)
    var log = 0
    var delivered: [Int] = []
    var read: EventPosition?
    var inFlight: [Int] = []

    func take(_ action: SessionFeedStateMachine.Action) {
      switch action {
      case .none: break
      case .deliver(let events): delivered += events.compactMap { $0.position.map { Int($0.sequence) } }
      case .read(let after): read = after
      case .deliverAndRead(let events, let after):
        delivered += events.compactMap { $0.position.map { Int($0.sequence) } }
        read = after
      case .gap: Issue.record("nothing was trimmed")
      }
    }

    func answer(_ after: EventPosition) {
      read = nil
      let first = Int(after.sequence) + 1
      let last = min(log, first + Int.random(in: 0...3, using: &random))
      take(feed.page(first > log ? nothingMore : page(first...last, isLast: last == log)))
    }

    take(feed.started(at: position(0)))
    for _ in 0..<60 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0...2:
        log += 1
        if Int.random(in: 0..<4, using: &random) > 0 { inFlight.append(log) }
      case 3:
        if !inFlight.isEmpty { take(feed.received(event(inFlight.removeFirst()))) }
        if log > 0, Int.random(in: 0..<5, using: &random) == 0 {
          take(feed.received(event(Int.random(in: 1...log, using: &random))))
        }
      case 4: if let after = read { answer(after) }
      default: take(feed.suspected())
      }
    }
    for seq in inFlight { take(feed.received(event(seq))) }
    take(feed.suspected())
    while let after = read { answer(after) }
    #expect(delivered == Array(1..<(log + 1)))
  }
}
