import JSONText
import NIOCore
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import SharedSessions

@Suite struct EventLogTests {
  @Test func theSnapshotsCursorIsWhereTheStreamGoesOn() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let body = try json(await world.two.sessions.snapshot(shared.id, reader: .participant(shared.host)))
      let cursor = try need(body["cursor"]?.string)
      _ = try await world.join(shared, "carl")
      let page = try await world.two.events.page(shared.id, after: cursor, limit: 10)
      #expect(page.isCursorKnown && page.reachedEnd)
      #expect(page.events.map(\.type) == ["participant_joined"])
      #expect(try await world.two.events.tail(shared.id).cursor == page.events.last?.id)
      for unknown in ["1-1", "x", "9999999999999-0"] {
        #expect(try await world.two.events.page(shared.id, after: unknown, limit: 10).isCursorKnown == false)
      }
    }
  }

  @Test func whatIsPublishedIsWhatIsKept() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let heard = Mutex<[StoredEvent]>([])
      let subscription = try await world.redis.subscribe(to: world.two.events.channel(shared.id)) { event in
        if case .message(let bytes) = event, let event = EventLog.parse(bytes, of: shared.id) {
          heard.withLock { $0.append(event) }
        }
      }
      defer { subscription.cancel() }
      let carl = try await world.join(shared, "carl")
      _ = try await world.two.sessions.leave(shared.id, credentials: carl)
      try await eventually("both are heard") { heard.withLock { $0.count } == 2 }
      let kept = try await world.one.events.page(shared.id, after: "earliest", limit: 10).events.suffix(2)
      #expect(heard.withLock { $0 } == Array(kept))
      #expect(kept.allSatisfy { $0.subject == carl.participantID })
    }
  }

  @Test func theBytesOfKeptEventsAreBounded() async throws {
    try await withWorld(configure: { $0.eventBytesRetained = 64 << 10 }) { world in
      let shared = try await world.share()
      _ = try await world.join(shared, "carl")
      let update = JSONText(string: String(repeating: "x", count: 8_000))
      for _ in 0..<40 {
        _ = try await world.one.hostSessions.notify(
          shared.hostSessionID, token: shared.hostToken, notifications: [update])
      }
      let kept = try await world.two.events.page(shared.id, after: "earliest", limit: 100).events
      let bytes = kept.reduce(0) { $0 + $1.data.readableBytes }
      // The bound, a sixteenth of it between two marks, and the events the marks fall upon.
      #expect((64 << 10)...(64 << 10) * 17 / 16 + 3 * 8_500 ~= bytes)
      #expect(kept.last?.sequence == 43)
      #expect(zip(kept, kept.dropFirst()).allSatisfy { $1.sequence == $0.sequence + 1 })
      let cursor = try await world.two.events.tail(shared.id).cursor
      #expect(try await world.two.events.page(shared.id, after: cursor, limit: 1).isCursorKnown)
      let key = world.one.events.runner.keys.session(shared.id)
      let marks = try await world.one.events.runner.send("HGET", key: key, "eventMarks")
      #expect(try need(marks.string).split(separator: " ").count <= 17)
    }
  }

  @Test func aTicketOpensOneStreamAndOnlyOfItsSession() async throws {
    try await withWorld { world in
      let (shared, other) = (try await world.share(), try await world.share())
      let body = try json(await world.one.sessions.createTicket(shared.id, credentials: shared.host))
      let ticket = try need(body["ticket"]?.string)
      func use(_ id: String) async throws -> ErrorCode? {
        try await code { _ = try await world.two.events.authorize(id, access: .ticket(ticket), hasCursor: false) }
      }
      #expect(try await use(other.id) == .invalidTicket)
      #expect(try await use(shared.id) == nil)
      #expect(try await use(shared.id) == .invalidTicket)
    }
  }

  @Test func anEndedSessionIsOpenToThoseWhoWereThereAtItsEnd() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let (early, late) = (try await world.join(shared, "early"), try await world.join(shared, "late"))
      _ = try await world.one.sessions.leave(shared.id, credentials: early)
      _ = try await world.one.sessions.close(shared.id, credentials: shared.host)
      func open(_ who: ParticipantCredentials, _ hasCursor: Bool) async throws -> ErrorCode? {
        try await code {
          _ = try await world.two.events.authorize(shared.id, access: .credentials(who), hasCursor: hasCursor)
        }
      }
      #expect(try await open(late, false) == .sessionInactive)
      #expect(try await open(late, true) == nil)
      #expect(try await open(early, true) == .participantInactive)
      let lines = try await world.two.events.exportPage(shared.id, reader: .participant(late), after: nil, limit: 100)
        .lines
      #expect(lines.count == 6)
      #expect(
        try await code {
          _ = try await world.two.events.exportPage(shared.id, reader: .participant(early), after: nil, limit: 100)
        } == .participantInactive)
    }
  }
}
