import NIOCore
import RedisWire
import Testing

@testable import RedisClient

@Suite("Slots and what nodes say of them")
struct ClusterValuesTests {
  private let addresses = ClusterAnswer.Addresses(
    asked: .host("asked", port: 1), encrypted: false,
    reachedAt: [.host("10.0.0.9", port: 9): .host("outside", port: 99)])

  @Test(
    "a key's slot is that of its hash tag, as the specification has it",
    arguments: [
      ("123456789", 12_739), ("foo", 12_182), ("{foo}.bar", 12_182), ("a{foo}b{bar}", 12_182), ("", 0),
      ("foo{}{bar}", 8_363), ("foo{{bar}}zap", 4_015), ("{bar", 4_015),
    ])
  func slots(key: String, slot: Int) {
    #expect(HashSlot.of(key) == slot)
  }

  private func bulk(_ text: String) -> RedisValue { .bytes(ByteBuffer(string: text)) }

  private func node(_ fields: [(String, RedisValue)]) -> RedisValue {
    .array(fields.flatMap { [bulk($0.0), $0.1] })
  }

  @Test("CLUSTER SHARDS: the primary of each shard, its slots, every node")
  func shards() throws {
    let shards: RedisValue = .array([
      .array([
        bulk("slots"), .array([.integer(0), .integer(5), .integer(10), .integer(10)]), bulk("nodes"),
        .array([
          node([
            ("id", bulk("x")), ("port", .integer(7)), ("ip", bulk("1.1.1.1")), ("endpoint", bulk("old")),
            ("role", bulk("master")), ("health", bulk("failed")),
          ]),
          node([
            ("id", bulk("y")), ("port", .integer(8)), ("ip", bulk("1.1.1.2")), ("endpoint", bulk("new")),
            ("role", bulk("master")), ("health", bulk("online")),
          ]),
        ]),
      ]),
      .array([
        bulk("slots"), .array([.integer(6), .integer(9)]), bulk("nodes"),
        .array([
          node([
            ("port", .integer(9)), ("ip", bulk("10.0.0.9")), ("endpoint", bulk("?")), ("role", bulk("master")),
            ("health", bulk("online")),
          ]),
          node([("port", .integer(5)), ("endpoint", .null), ("role", bulk("replica")), ("health", bulk("online"))]),
        ]),
      ]),
    ])
    let answer = try #require(ClusterAnswer(shards: shards, addresses))
    let (new, outside) = (RedisEndpoint.host("new", port: 8), RedisEndpoint.host("outside", port: 99))
    #expect([0, 5, 10].allSatisfy { answer.primary(of: $0) == new })
    #expect([6, 9].allSatisfy { answer.primary(of: $0) == outside })
    #expect(answer.primary(of: 11) == nil)
    #expect(answer.nodes == [.host("old", port: 7), new, outside, .host("asked", port: 5)])
    #expect(answer.replicas == [new: 0, outside: 1] && !answer.isWhole)
    #expect(ClusterAnswer(shards: .error("ERR unknown"), addresses) == nil)
  }

  @Test("CLUSTER SLOTS says the same in another form; a host that is not known is that of the node asked")
  func slotRanges() throws {
    let slots: RedisValue = .array([
      .array([
        .integer(0), .integer(99), .array([bulk("a"), .integer(1), bulk("id"), .array([])]),
        .array([bulk("b"), .integer(2), bulk("id")]),
      ]),
      .array([.integer(100), .integer(200), .array([.null, .integer(3), bulk("id")])]),
    ])
    let answer = try #require(ClusterAnswer(slots: slots, addresses))
    #expect(answer.primary(of: 99) == .host("a", port: 1))
    #expect(answer.primary(of: 100) == .host("asked", port: 3))
    #expect(answer.nodes.count == 3)
    #expect(answer.replicas == [.host("a", port: 1): 1, .host("asked", port: 3): 0] && answer.isWhole)
    #expect(ClusterAnswer(slots: .array([.array([.integer(1)])]), addresses) == nil)
  }

  private func answer(_ shares: (ClosedRange<Int>, String)...) -> ClusterAnswer {
    ClusterAnswer(
      shares: shares.map { .init(slots: $0.0, primary: .host($0.1, port: 1)) },
      nodes: Set(shares.map { .host($0.1, port: 1) }))
  }

  @Test("nodes are believed slot by slot, where enough of them say the same; else what was known stays")
  func agreement() {
    let former = SlotTable(agreedBy: [answer((0...16_383, "a"))], needed: 1, former: nil)
    let table = SlotTable(
      agreedBy: [
        answer((0...99, "a"), (100...199, "b")), answer((0...99, "a"), (100...199, "b"), (200...299, "x")),
        answer((0...149, "c"), (150...199, "b"), (200...299, "y")),
      ], needed: 2, former: former)
    #expect(table.owner(of: 0) == .host("a", port: 1))
    #expect([100, 149, 150, 199].allSatisfy { table.owner(of: $0) == .host("b", port: 1) })
    #expect(table.owner(of: 250) == .host("a", port: 1), "three opinions")
    #expect(table.owner(of: 300) == nil && table.uncovered == 16_384 - 300)
    #expect(Set(table.primaries) == [.host("a", port: 1), .host("b", port: 1)])
  }

  @Test("a primary without slots is forgotten")
  func idle() {
    var table = SlotTable(agreedBy: [answer((0...0, "a"), (1...16_383, "b"))], needed: 1, former: nil)
    table.move(0, to: .host("b", port: 1))
    table.forgetIdle()
    #expect(table.primaries == [.host("b", port: 1)])
    #expect(table.owner(of: 0) == .host("b", port: 1) && table.uncovered == 0)
  }

  @Test(
    "where MOVED and ASK lead",
    arguments: [
      ("MOVED 3999 127.0.0.1:6381", "127.0.0.1:6381 for good"), ("ASK 1 ::1:6381", "[::1]:6381"),
      ("MOVED 1 :7", ":7 for good"), ("MOVED 16384 a:1", "nowhere"), ("MOVED 1 a", "nowhere"), ("MOVED", "nowhere"),
      ("ERR MOVED 1 a:1", "nowhere"), ("ASK 1 a:0", "nowhere"),
    ])
  func targets(message: String, expected: String) {
    let target = RedirectTarget(message)
    let text = target.map { "\(RedisEndpoint.host($0.host, port: $0.port))\($0.isForGood ? " for good" : "")" }
    #expect((text ?? "nowhere") == expected)
  }

  @Test("a command follows five times and waits five times; what may have run is never sent again")
  func redirection() {
    var redirection = Redirection()
    for _ in 0..<3 { #expect(redirection.next(after: .server("ASK 5 a:1"), jitter: 0) == .ask(host: "a", port: 1)) }
    for pause in [12_500, 25_000, 50_000, 100_000, 200_000] {
      #expect(
        redirection.next(after: .server("TRYAGAIN x"), jitter: 0) == .again(after: .microseconds(Int64(pause))))
    }
    #expect(redirection.next(after: .server("TRYAGAIN x"), jitter: 0) == .fail(.server("TRYAGAIN x")))
    for _ in 0..<2 {
      #expect(redirection.next(after: .server("MOVED 5 b:2"), jitter: 0) == .moved(slot: 5, host: "b", port: 2))
    }
    guard case .fail(let error) = redirection.next(after: .server("MOVED 5 b:2"), jitter: 0) else {
      Issue.record("It follows for ever.")
      return
    }
    #expect(error.code == .unavailable && !error.mayHaveRun)
    var fresh = Redirection()
    let lost = RedisError(code: .connectionLost, message: "x", mayHaveRun: true)
    #expect(fresh.next(after: lost, jitter: 0) == .fail(lost))
    #expect(fresh.next(after: .server("READONLY x"), jitter: 0) == .fail(.server("READONLY x")))
    #expect(fresh.next(after: .server("CLUSTERDOWN x"), jitter: 1) == .owner(after: .milliseconds(25)))
    #expect(fresh.next(after: .unusable("x"), jitter: 0) == .newOwner)
  }
}
