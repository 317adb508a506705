import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// Pages of a session's events are bounded in bytes: no mix of sizes may make a reply too large, or lose an event.
@Suite struct EventPageTests {
  private static func head(_ sequence: Int) -> String { "9999999999999-\(sequence) x -\n" }

  /// Appends events of these sizes to a session's stream, as the scripts do.
  private func append(_ sizes: [Int], _ world: World, _ shared: Shared) async throws {
    let key = world.keys.session(shared.id, .events)
    for (number, size) in sizes.enumerated() {
      _ = try await world.redis.send(
        RedisCommand(
          "XADD", .string(key), .string("9999999999999-\(number + 100)"), "event",
          .string(Self.head(number + 100) + String(repeating: "x", count: size - Self.head(100).utf8.count))),
        key: key)
    }
  }

  /// Bytes that Redis holds of an event.
  private func size(_ event: StoredEvent) -> Int {
    let mark = #","payload":"#
    let text = String(buffer: event.data)
    let payload = text.firstRange(of: mark).map { text.utf8.distance(from: $0.upperBound, to: text.endIndex) - 1 } ?? 0
    return payload + Self.head(100).utf8.count
  }

  private func bytes(_ page: EventPage) -> Int { page.events.reduce(0) { $0 + size($1) } }

  private func pages(_ world: World, _ id: String, after cursor: String, limit: Int) async throws -> [EventPage] {
    var pages = [try await world.two.events.page(id, after: cursor, limit: limit)]
    while let last = pages.last, !last.reachedEnd {
      let next = try #require(last.events.last?.id)
      pages.append(try await world.two.events.page(id, after: next, limit: limit))
    }
    return pages
  }

  @Test func aPageHoldsWhatFitsAndAlwaysOneEvent() async throws {
    try await withWorld(configure: { $0.eventPageBytes = 10_000 }) { world in
      let shared = try await world.share()
      let cursor = try await world.two.events.tail(shared.id).cursor
      let sizes = [4_000, 6_000, 30, 9_970, 30, 50_000, 10_001, 40, 50, 60_000]
      try await append(sizes, world, shared)
      let pages = try await pages(world, shared.id, after: cursor, limit: 256)
      #expect(
        pages.map { $0.events.map(size) } == [
          [4_000, 6_000], [30, 9_970], [30], [50_000], [10_001], [40, 50], [60_000], [],
        ])
      #expect(pages.allSatisfy { $0.isCursorKnown })
    }
  }

  @Test func everyMixOfSizesIsReadOnceAndInOrder() async throws {
    try await withWorld(configure: { $0.eventPageBytes = 5_000 }) { world in
      var random = SeededGenerator(seed: 7)
      for _ in 0..<10 {
        let shared = try await world.share()
        let cursor = try await world.two.events.tail(shared.id).cursor
        let sizes = (0..<40).map { _ in Int.random(in: 30...(Bool.random(using: &random) ? 100 : 9_000), using: &random)
        }
        try await append(sizes, world, shared)
        let limit = Int.random(in: 1...20, using: &random)
        let pages = try await pages(world, shared.id, after: cursor, limit: limit)
        #expect(pages.flatMap(\.events).map(\.sequence) == (100..<140).map(Int64.init))
        for page in pages {
          #expect(page.events.count <= limit)
          #expect(page.events.count <= 1 || bytes(page) <= 5_000)
        }
      }
    }
  }

  @Test func aPageOfTheLargestEventsFitsIntoOneReply() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      try await append(Array(repeating: 4 << 20, count: 5), world, shared)
      let pages = try await pages(world, shared.id, after: "earliest", limit: 256)
      #expect(pages.flatMap(\.events).filter { size($0) == 4 << 20 }.count == 5)
      #expect(pages.allSatisfy { bytes($0) <= 5 << 20 })
    }
  }

  @Test func aCursorThatIsNotKeptIsUnknownAlsoWhenItsNeighboursAre() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      try await append([30, 30, 30], world, shared)
      let all = try await world.two.events.page(shared.id, after: "earliest").events
      let key = world.keys.session(shared.id, .events)
      let gone = try #require(all[all.count - 2].id)
      _ = try await world.redis.send(RedisCommand("XDEL", .string(key), .string(gone)), key: key)
      let page = try await world.two.events.page(shared.id, after: gone)
      #expect(!page.isCursorKnown && page.events.isEmpty && page.reachedEnd)
    }
  }
}
