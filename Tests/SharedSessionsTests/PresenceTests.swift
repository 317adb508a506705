import JSONText
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import SharedSessions

/// Who has how many streams on which node.
@Suite struct PresenceTests {
  @Test func presenceIsToldOnceAndADeadNodesIsUndone() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let heard = Mutex<[String]>([])
      let subscription = try await world.redis.subscribe(to: world.two.events.channel(shared.id)) { event in
        if case .message(let bytes) = event, let event = EventLog.parse(bytes, of: shared.id) {
          heard.withLock { $0.append(event.type + (event.id == nil ? "" : " kept")) }
        }
      }
      defer { subscription.cancel() }
      let host = shared.host.participantID
      try await world.one.presence.set(shared.id, participantID: host, streams: 1)
      try await world.two.presence.set(shared.id, participantID: host, streams: 1)
      try await world.one.presence.set(shared.id, participantID: host, streams: nil)
      let body = try json(await world.two.sessions.participants(shared.id, reader: .trusted))
      #expect(body["participants"]?.elements[0]["online"]?.bool == true)
      try await world.one.presence.clear(world.two.presence.nodeID)
      try await eventually("both are heard") {
        heard.withLock { $0 } == ["participant_online", "participant_offline"]
      }
    }
  }

  @Test func aNodeThatWasTakenForDeadAnnouncesWhatItHoldsAgain() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let (host, gone) = (shared.host.participantID, try await world.join(shared, "gone").participantID)
      try await world.two.presence.renew()
      for id in [host, gone] { try await world.two.presence.set(shared.id, participantID: id, streams: 1) }
      try await world.two.presence.set(shared.id, participantID: gone, streams: nil)
      try await world.one.presence.clear(world.two.presence.nodeID)
      func online() async throws -> [Bool?] {
        let body = try json(await world.one.sessions.participants(shared.id, reader: .trusted))
        return body["participants"]?.elements.map { $0["online"]?.bool } ?? []
      }
      #expect(try await online() == [false, false])
      try await world.two.presence.renew()
      #expect(try await online() == [true, false])
    }
  }

  private func streams(_ world: World, _ shared: Shared, on node: SharedSessionsDomain) async throws -> [String: Int] {
    try await node.events.authorize(shared.id, access: .credentials(shared.host), hasCursor: false).streams
  }

  @Test func everyNodeSeesHowManyStreamsAreOnTheOthers() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let host = shared.host.participantID
      let (one, two) = (world.one.presence.nodeID, world.two.presence.nodeID)
      #expect(try await streams(world, shared, on: world.one) == [:])
      try await world.one.presence.set(shared.id, participantID: host, streams: 3)
      try await world.two.presence.set(shared.id, participantID: host, streams: 1)
      try await world.one.presence.set(shared.id, participantID: host, streams: 2)
      for node in world.nodes { #expect(try await streams(world, shared, on: node) == [one: 2, two: 1]) }
      try await world.one.presence.set(shared.id, participantID: host, streams: 0)
      #expect(try await streams(world, shared, on: world.two) == [one: 0, two: 1])
      try await world.two.presence.set(shared.id, participantID: host, streams: nil)
      #expect(try await streams(world, shared, on: world.two) == [one: 0])
      let body = try json(await world.two.sessions.participants(shared.id, reader: .trusted))
      #expect(body["participants"]?.elements[0]["online"]?.bool == true, "who may be coming back is online")
      try await world.one.presence.set(shared.id, participantID: host, streams: nil)
      #expect(try await streams(world, shared, on: world.two) == [:])
    }
  }

  @Test func aTicketSaysHowManyStreamsThereAreToo() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      try await world.one.presence.set(shared.id, participantID: shared.host.participantID, streams: 5)
      let body = try json(await world.one.sessions.createTicket(shared.id, credentials: shared.host))
      let found = try await world.two.events.authorize(
        shared.id, access: .ticket(try need(body["ticket"]?.string)), hasCursor: false)
      #expect(found.streams == [world.one.presence.nodeID: 5])
    }
  }

  /// A node that was killed takes nothing back, and its sweeping may take a while: until then nobody must pay for it.
  @Test func onlyNodesWithALeaseAreAlive() async throws {
    try await withWorld { world in
      let (one, two) = (world.one.presence.nodeID, world.two.presence.nodeID)
      #expect(try await world.two.presence.living([one, two]).isEmpty, "neither has a lease yet")
      #expect(try await world.two.presence.living([String]()).isEmpty)
      for node in world.nodes { try await node.presence.renew() }
      #expect(try await world.two.presence.living([one, two, "unknown"]) == [one, two])
      let lapsed = try await world.one.presence.runner.now() - 1
      _ = try await world.redis.send(
        RedisCommand("ZADD", .string(world.keys.nodes), .integer(lapsed), .string(one)), key: world.keys.nodes)
      #expect(try await world.two.presence.living([one, two]) == [two])
      try await world.two.presence.resign()
      #expect(try await world.one.presence.living([one, two]).isEmpty)
    }
  }

  @Test func aNodeThatWasTakenForDeadAnnouncesItsNumbers() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      try await world.two.presence.renew()
      try await world.two.presence.set(shared.id, participantID: shared.host.participantID, streams: 7)
      try await world.one.presence.clear(world.two.presence.nodeID)
      #expect(try await streams(world, shared, on: world.one) == [:])
      try await world.two.presence.renew()
      #expect(try await streams(world, shared, on: world.one) == [world.two.presence.nodeID: 7])
    }
  }
}
