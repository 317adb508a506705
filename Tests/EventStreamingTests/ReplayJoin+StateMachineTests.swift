import SharedSessions
import TestSupport
import Testing

@testable import EventStreaming

@Suite struct ReplayJoinStateMachineTests {
  private func batch(_ events: StoredEvent...) -> EventBatch { EventBatch(events) }

  @Test func aReplayOfOnePageGoesLive() {
    var join = ReplayJoinStateMachine(after: id(2))
    #expect(join.page(page(3...4)) == .goLive([event(3), event(4)]))
    #expect(join.isLive)
    #expect(join.live(batch(event(5), event(6))) == .deliverAll)
    #expect(join.position == id(6))
  }

  @Test func aReplayOfSeveralPagesReadsOnAfterEach() {
    var join = ReplayJoinStateMachine(after: .zero)
    #expect(join.page(page(1...3, isLast: false)) == .deliver([event(1), event(2), event(3)]))
    #expect(join.position == id(3))
    #expect(!join.isLive)
    #expect(join.page(nothingMore) == .goLive([]))
  }

  @Test func whatHappensDuringTheReplayFollowsItOnce() {
    var join = ReplayJoinStateMachine(after: id(2))
    #expect(join.live(batch(event(4), event(5))) == .hold(dropped: 0))
    #expect(join.live(batch(event(6), passing())) == .hold(dropped: 0))
    #expect(join.page(page(3...5)) == .goLive([event(3), event(4), event(5), event(6), passing()]))
  }

  @Test func aBatchThatWasPartlyReplayedIsCut() {
    var join = ReplayJoinStateMachine(after: id(2))
    #expect(join.page(page(3...5)) == .goLive([event(3), event(4), event(5)]))
    #expect(join.live(batch(event(4), event(5), event(6))) == .deliver([event(6)]))
    #expect(join.live(batch(event(5), event(6))) == .deliver([]))
    #expect(join.live(batch(passing())) == .deliverAll)
    #expect(join.live(batch(event(7))) == .deliverAll)
  }

  @Test func aCursorThatIsNotKeptIsAGap() {
    var join = ReplayJoinStateMachine(after: id(2))
    #expect(join.page(unknown) == .gap)
  }

  @Test func moreThanCanBeHeldIsReadAgain() {
    var join = ReplayJoinStateMachine(after: .zero, heldEvents: 2)
    #expect(join.live(batch(event(3), event(4), event(5), event(6))) == .hold(dropped: 2))
    #expect(join.page(page(1...2)) == .deliver([event(1), event(2)]))
    #expect(join.page(page(3...6)) == .goLive([event(3), event(4), event(5), event(6)]))
  }

  @Test func aReplayThatStallsHoldsNoMoreThanItsBytesAndLosesNothing() {
    var join = ReplayJoinStateMachine(after: .zero, heldBytes: 3 << 20)
    for seq in 3...300 { _ = join.live(batch(large(seq), passing())) }
    #expect(join.heldBytes <= 3 << 20)
    #expect(join.page(page(1...2)) == .deliver([event(1), event(2)]))
    for seq in 301...310 { _ = join.live(batch(large(seq))) }
    let all = (3...310).map(large)
    #expect(join.page(EventPage(events: Array(all.prefix(298)), reachedEnd: true)) == .deliver(Array(all.prefix(298))))
    guard case .goLive(let rest) = join.page(EventPage(events: Array(all.suffix(10)), reachedEnd: true)) else {
      Issue.record("nothing overflowed since the page was read")
      return
    }
    #expect(rest.filter { $0.position != nil } == Array(all.suffix(10)))
    #expect(rest.contains(passing()), "what is only published cannot be read again, so it is not what is dropped")
    #expect(join.heldBytes == 0)
  }

  @Test func aSingleEventLargerThanWhatMayBeHeldIsNotLost() {
    var join = ReplayJoinStateMachine(after: .zero, heldBytes: 10)
    #expect(join.live(batch(large(1))) == .hold(dropped: 0))
    #expect(join.live(batch(passing())) == .hold(dropped: 0))
    #expect(join.live(batch(large(2))) == .hold(dropped: 1))
    #expect(join.page(nothingMore) == .deliver([]))
    #expect(join.page(EventPage(events: [large(1), large(2)], reachedEnd: true)) == .goLive([large(1), large(2)]))
  }

  /// Pages and live batches in any interleaving that a log and a faithful feed can produce.
  @Test(arguments: 0..<200)
  func whateverTheInterleavingTheClientGetsTheLogAfterItsCursor(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var log = Int.random(in: 0...20, using: &random)
    let cursor = Int.random(in: 0...log, using: &random)
    var fed = log
    var join = ReplayJoinStateMachine(after: id(cursor), heldEvents: seed % 2 == 0 ? 3 : 256, heldBytes: 30)
    var client: [Int] = []

    func take(_ events: [StoredEvent]) { client += events.compactMap { $0.position.map { Int($0.sequence) } } }
    func read() {
      let first = (1...(log + 1)).first { id($0) > join.position } ?? log + 1
      let last = min(log, first + 2)
      switch join.page(first > log ? nothingMore : page(first...last, isLast: last == log)) {
      case .deliver(let events), .goLive(let events): take(events)
      case .gap: Issue.record("nothing was trimmed")
      }
    }
    func feed() {
      guard fed < log else { return }
      let next = EventBatch(((fed + 1)...Int.random(in: (fed + 1)...log, using: &random)).map { event($0) })
      fed += next.events.count
      switch join.live(next) {
      case .deliverAll: take(next.events)
      case .deliver(let events): take(events)
      case .hold: break
      }
    }

    for _ in 0..<40 {
      switch Int.random(in: 0..<4, using: &random) {
      case 0, 1: log += 1
      case 2: feed()
      default: if !join.isLive { read() }
      }
    }
    while !join.isLive { read() }
    while fed < log { feed() }
    #expect(client == Array((cursor + 1)..<(log + 1)))
  }
}
