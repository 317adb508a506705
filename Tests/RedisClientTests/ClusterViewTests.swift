import NIOCore
import Testing

@testable import RedisClient

/// Each test is a script of what happens and of what must follow; time is a number of milliseconds.
@Suite("Who has which slots, by what nodes say")
struct ClusterViewTests {
  private func node(_ name: String) -> RedisEndpoint { .host(name, port: 1) }

  private func at(_ milliseconds: Int) -> NIODeadline {
    .uptimeNanoseconds(1 << 40) + .milliseconds(Int64(milliseconds))
  }

  private func describe(_ actions: [ClusterView.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .ask(let nodes, let round): "ask \(round): \(names(nodes))"
      case .wake(let time): "wake at \((time - at(0)).nanoseconds / 1_000_000)"
      case .adopt(let table):
        "adopt \(names(table.primaries)), slot 1 at \(table.owner(of: 1).map { names([$0]) } ?? "-")"
      case .replicas(let counts): counts.map { "\(names([$0])) has \($1)" }.sorted().joined(separator: ", ")
      case .explain(let text): text
      }
    }
  }

  private func names(_ nodes: [RedisEndpoint]) -> String {
    nodes.map { "\($0)".replacing(":1", with: "") }.sorted().joined(separator: ",")
  }

  /// Half of the slots for each of two primaries; `a` has slot 1.
  private func halves(
    _ first: String = "a", _ second: String = "b", and others: String..., replicas: [Int] = [], isWhole: Bool = true
  ) -> ClusterAnswer {
    ClusterAnswer(
      shares: [
        .init(slots: 0...8_191, primary: node(first)), .init(slots: 8_192...16_383, primary: node(second)),
      ], nodes: Set(([first, second] + others).map(node)),
      replicas: Dictionary(uniqueKeysWithValues: zip([first, second].map(node), replicas)), isWhole: isWhole)
  }

  private func view() -> ClusterView { ClusterView(seeds: [node("s")], interval: .seconds(30)) }

  /// A view that has asked its seed, then `a`, `b` and `c`, and rests.
  private func settled() -> ClusterView {
    var view = view()
    _ = view.look(now: at(0))
    _ = view.answered(node("s"), round: 1, .success(halves(and: "c")), now: at(0))
    _ = view.wake(now: at(100))
    for name in ["a", "b", "c"] {
      _ = view.answered(node(name), round: 2, .success(halves(and: "c")), now: at(100))
    }
    return view
  }

  @Test("what the first node says is used, and checked with the others it names at once")
  func bootstrap() {
    var view = view()
    #expect(describe(view.look(now: at(0))) == ["ask 1: s"])
    #expect(
      describe(view.answered(node("s"), round: 1, .success(halves(and: "c")), now: at(1)))
        == ["adopt a,b, slot 1 at a", "wake at 101"])
    #expect(describe(view.wake(now: at(101))) == ["ask 2: a,b,c"])
    _ = view.answered(node("a"), round: 2, .success(halves("x", and: "a", "c")), now: at(102))
    _ = view.answered(node("a"), round: 2, .success(halves("x", and: "a", "c")), now: at(102))
    #expect(describe(view.answered(node("b"), round: 2, .success(halves(and: "c")), now: at(103))) == ["wake at 353"])
    #expect(
      describe(view.answered(node("c"), round: 2, .success(halves(and: "c")), now: at(104))) == ["wake at 30104"],
      "two of three say what is known")
  }

  @Test("a majority is of those asked, and a cluster that is silent is looked for at the seeds")
  func majority() {
    var view = settled()
    #expect(describe(view.look(now: at(1_000))) == ["ask 3: a,b,c"])
    _ = view.answered(node("a"), round: 3, .success(halves("x", "y")), now: at(1_000))
    #expect(describe(view.timedOut(round: 3, now: at(3_000))) == ["wake at 3100"], "one of three")
    #expect(describe(view.wake(now: at(3_100))) == ["ask 4: a,b,c,s"])
    for name in ["a", "b", "c"] { _ = view.answered(node(name), round: 4, .failure(.unusable("gone")), now: at(3_100)) }
    _ = view.answered(node("s"), round: 4, .success(halves("x", "y")), now: at(3_100))
    #expect(view.table?.owner(of: 1) == node("a"))
    _ = view.wake(now: at(3_300))
    for name in ["a", "b", "c"] { _ = view.answered(node(name), round: 5, .failure(.unusable("gone")), now: at(3_300)) }
    let actions = describe(view.answered(node("s"), round: 5, .success(halves("x", "y")), now: at(3_300)))
    #expect(actions.first == "adopt x,y, slot 1 at x", "all the others were silent for long")
  }

  @Test("MOVED counts at once, for that slot and for a while, and its node is asked")
  func moved() {
    var view = settled()
    #expect(
      describe(view.moved(1, to: node("n"), now: at(1_000))) == ["adopt a,b,n, slot 1 at n", "ask 3: a,b,c,n"])
    #expect(describe(view.moved(1, to: node("n"), now: at(1_001))) == [], "said many times")
    for name in ["a", "b", "c"] {
      _ = view.answered(node(name), round: 3, .success(halves(and: "c")), now: at(1_002))
    }
    _ = view.answered(node("n"), round: 3, .success(halves(and: "c")), now: at(1_002))
    #expect(view.table?.owner(of: 1) == node("n"), "others hear of it later")
    _ = view.look(now: at(7_000))
    for name in ["a", "b", "c"] {
      _ = view.answered(node(name), round: 4, .success(halves(and: "c")), now: at(7_000))
    }
    _ = view.timedOut(round: 4, now: at(9_000))
    #expect(view.table?.owner(of: 1) == node("a"), "they never heard of it")
    #expect(describe(view.moved(99_999, to: node("n"), now: at(7_001))) == [])
  }

  @Test("a node that hangs holds up a round only for a moment")
  func hangs() {
    var view = settled()
    _ = view.look(now: at(1_000))
    _ = view.answered(node("a"), round: 3, .success(halves("a", "n", and: "b", "c")), now: at(1_010))
    #expect(describe(view.wake(now: at(1_011))) == [], "one of three")
    #expect(
      describe(view.answered(node("c"), round: 3, .success(halves("a", "n", and: "b", "c")), now: at(1_020)))
        == ["wake at 1270"])
    #expect(describe(view.wake(now: at(1_270))) == ["adopt a,n, slot 1 at a", "wake at 31270"])
    #expect(describe(view.answered(node("b"), round: 3, .success(halves(and: "c")), now: at(1_280))) == [])
  }

  @Test("reasons to look are many during an outage, and rounds are not")
  func bounded() {
    var view = settled()
    var rounds = 0
    for time in 1_000..<2_000 {
      for action in view.look(now: at(time)) {
        guard case .ask(let nodes, let round) = action else { continue }
        rounds += 1
        for node in nodes { _ = view.answered(node, round: round, .success(halves(and: "c")), now: at(time)) }
      }
    }
    #expect((8...12).contains(rounds), "\(rounds)")
  }

  @Test("what is wrong is told while nothing is known")
  func explains() {
    var view = view()
    _ = view.look(now: at(0))
    #expect(
      describe(view.answered(node("s"), round: 1, .failure(.unusable("it is gone.")), now: at(0)))
        == ["No node of the Redis Cluster has told where the others are: it is gone.", "wake at 100"])
    _ = view.wake(now: at(100))
    let empty = ClusterAnswer(shares: [], nodes: [node("s")])
    #expect(
      describe(view.answered(node("s"), round: 2, .success(empty), now: at(100))).first
        == "The nodes of the Redis Cluster know of no primary that has slots.")
  }

  @Test("replicas are counted per primary, by what most say; while a node is missing the look is closer")
  func replicas() {
    var view = ClusterView(seeds: [node("s")], interval: .seconds(30), countsReplicas: true)
    _ = view.look(now: at(0))
    #expect(
      describe(view.answered(node("s"), round: 1, .success(halves(replicas: [2, 1])), now: at(0)))
        == ["adopt a,b, slot 1 at a", "a has 2, b has 1", "wake at 100"])
    func round(_ number: Int, _ answers: [ClusterAnswer], at time: Int) -> [String] {
      _ = view.wake(now: at(time))
      return describe(
        zip(["a", "b"], answers).flatMap { view.answered(node($0), round: number, .success($1), now: at(time)) }
          + view.timedOut(round: number, now: at(time))
      ).filter { !$0.hasPrefix("wake") || $0 == "wake at \(time + 1_000)" }
    }
    let (all, short) = (halves(replicas: [2, 1]), halves(replicas: [1, 1], isWhole: false))
    #expect(round(2, [all, short], at: 100) == ["wake at 1100"], "one of two misses a replica")
    #expect(round(3, [short, short], at: 1_100) == ["a has 1", "wake at 2100"])
    let successor = halves("c", "b", and: "a", replicas: [0, 1], isWhole: false)
    #expect(
      round(4, [successor, successor], at: 2_100) == ["adopt b,c, slot 1 at c", "c has 0", "wake at 3100"])
    let whole = halves("c", "b", and: "a", replicas: [1, 1])
    #expect(round(5, [whole, whole], at: 3_100).contains("c has 1"))
  }
}
