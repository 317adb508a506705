import NIOCore
import Testing

@testable import RedisClient

/// Each test is a script of what happens and of what must follow; time is a number of milliseconds.
@Suite("Who the primary is, by what Sentinels say")
struct SentinelViewTests {
  private let a = RedisEndpoint.host("a", port: 1)
  private let b = RedisEndpoint.host("b", port: 2)

  private func at(_ milliseconds: Int) -> NIODeadline {
    .uptimeNanoseconds(1 << 40) + .milliseconds(Int64(milliseconds))
  }

  private func describe(_ actions: [SentinelView.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .ask(let round): "ask \(round)"
      case .wake(let time): "wake at \((time - at(0)).nanoseconds / 1_000_000)"
      case .move(let endpoint): "move to \(endpoint)"
      case .replicas(let count): "\(count) replicas"
      case .explain(let text): text
      }
    }
  }

  private func view() -> SentinelView { SentinelView(name: "m", count: 3, interval: .seconds(10)) }

  /// A view that has found `a` at time 0 and rests.
  private func settled() -> SentinelView {
    var view = view()
    _ = view.look(now: at(0))
    _ = view.answered(0, round: 1, .primary(a), now: at(0))
    _ = view.answered(1, round: 1, .primary(a), now: at(0))
    return view
  }

  @Test("a majority of all Sentinels decides at once, and what the last one says is too late")
  func majority() {
    var view = view()
    #expect(describe(view.look(now: at(0))) == ["ask 1"])
    #expect(describe(view.answered(2, round: 1, .primary(a), now: at(1))) == [])
    #expect(describe(view.answered(2, round: 1, .primary(a), now: at(1))) == [], "one voice each")
    #expect(describe(view.answered(0, round: 1, .primary(a), now: at(2))) == ["move to a:1", "wake at 10002"])
    #expect(describe(view.answered(1, round: 1, .primary(b), now: at(3))) == [])
    #expect(describe(view.timedOut(round: 1, now: at(4))) == [])
  }

  @Test("of three of whom two are silent, the one that answers is believed when the time is over")
  func oneAnswers() {
    var view = view()
    _ = view.look(now: at(0))
    #expect(describe(view.answered(0, round: 1, .nothing("gone"), now: at(1))) == [])
    #expect(describe(view.answered(1, round: 1, .primary(a), now: at(1))) == [])
    #expect(describe(view.timedOut(round: 1, now: at(2000))) == ["move to a:1", "wake at 12000"])
  }

  @Test("a minority is not believed, and a reason to look is followed within a fraction of a second")
  func minority() {
    var view = settled()
    #expect(describe(view.look(now: at(1000))) == ["ask 2"])
    _ = view.answered(0, round: 2, .primary(b), now: at(1001))
    #expect(describe(view.look(now: at(1002))) == [], "the next Sentinel has learnt of the switch")
    _ = view.answered(1, round: 2, .primary(a), now: at(1003))
    #expect(describe(view.answered(2, round: 2, .primary(a), now: at(1004))) == ["wake at 1204"])
    #expect(view.primary == a)
    #expect(describe(view.wake(now: at(1204))) == ["ask 3"])
    _ = view.answered(0, round: 3, .primary(b), now: at(1205))
    #expect(describe(view.answered(1, round: 3, .primary(b), now: at(1206))) == ["move to b:2", "wake at 11206"])
  }

  @Test("Sentinels that do not agree leave everything as it is, and are asked again")
  func noMajority() {
    var view = settled()
    _ = view.look(now: at(1000))
    _ = view.answered(0, round: 2, .primary(b), now: at(1001))
    _ = view.answered(1, round: 2, .primary(a), now: at(1001))
    let actions = describe(view.answered(2, round: 2, .nothing("gone"), now: at(1001)))
    #expect(actions == ["The Sentinels do not agree on who the primary \"m\" is.", "wake at 1201"])
    #expect(view.primary == a)
  }

  @Test("reasons to look are many during an outage, and rounds are not")
  func bounded() {
    var view = settled()
    var rounds = 0
    for time in 0..<1000 {
      for action in view.look(now: at(time)) {
        guard case .ask(let round) = action else { continue }
        rounds += 1
        for sentinel in 0..<3 { _ = view.answered(sentinel, round: round, .primary(a), now: at(time)) }
      }
    }
    #expect((4...6).contains(rounds), "\(rounds)")
  }

  @Test("while nothing is found the pauses grow, and the reason is told")
  func fruitless() {
    var view = view()
    var actions = view.look(now: at(0))
    var pauses: [String] = []
    for round in 1...7 {
      #expect(describe(actions) == ["ask \(round)"])
      _ = view.answered(0, round: round, .unknown, now: at(0))
      _ = view.answered(1, round: round, .nothing("gone"), now: at(0))
      let end = describe(view.answered(2, round: round, .unknown, now: at(0)))
      #expect(end.first == "The Sentinels know no primary named \"m\".")
      pauses.append(end.last ?? "")
      actions = view.wake(now: at(0))
    }
    let expected = [200, 400, 800, 1600, 3200, 6400, 6400].map { "wake at \($0)" }
    #expect(pauses == expected)
  }

  @Test("without an answer the reason of one of them is told")
  func silence() {
    var view = view()
    _ = view.look(now: at(0))
    for sentinel in 0..<2 { _ = view.answered(sentinel, round: 1, .nothing("it is gone."), now: at(0)) }
    #expect(
      describe(view.answered(2, round: 1, .nothing("it is gone."), now: at(0))).first
        == "No Sentinel has said who the primary \"m\" is: it is gone.")
    _ = view.wake(now: at(200))
    #expect(
      describe(view.timedOut(round: 2, now: at(2200))).first == "No Sentinel has said in time who the primary \"m\" is."
    )
  }

  @Test("the replicas that half of those find up who name the primary count; a missing one is waited for closely")
  func replicas() {
    var view = view()
    func round(_ number: Int, _ answers: [SentinelView.Answer], at time: Int) -> [String] {
      _ = view.wake(now: at(time))
      return describe(
        answers.enumerated().flatMap { view.answered($0, round: number, $1, now: at(time)) }
          + view.timedOut(round: number, now: at(time)))
    }
    let (two, one, none) = (ReplicaCount(up: 2, down: 0), ReplicaCount(up: 1, down: 1), ReplicaCount(up: 0, down: 2))
    #expect(round(1, [.primary(a, two), .primary(a, two)], at: 0) == ["move to a:1", "2 replicas", "wake at 10000"])
    #expect(round(2, [.primary(a, two), .primary(a, one)], at: 10_000) == ["wake at 11000"], "one of two misses it")
    #expect(round(3, [.primary(a, one), .primary(a, one)], at: 11_000) == ["1 replicas", "wake at 12000"])
    #expect(round(4, [.primary(a), .primary(a)], at: 12_000) == ["wake at 22000"], "they may not be asked")
    // What is said of another primary is about another server.
    #expect(
      round(5, [.primary(a, two), .primary(b, one), .primary(b, one)], at: 22_000)
        == ["move to b:2", "1 replicas", "wake at 23000"])
    #expect(round(6, [.primary(b, none), .primary(b, none)], at: 23_000) == ["0 replicas", "wake at 24000"])
    #expect(round(7, [.primary(b, two), .primary(b, two)], at: 24_000) == ["2 replicas", "wake at 34000"])
  }
}
