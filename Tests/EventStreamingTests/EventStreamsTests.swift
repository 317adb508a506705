import Logging
import NIOCore
import NIOPosix
import SharedSessions
import Synchronization
import TestSupport
import Testing

@testable import EventStreaming

/// The hub and its streams on real event loops, with a source and connections in memory.
@Suite struct EventStreamsTests {
  /// The clients of a node that died would otherwise all come back in the same moment.
  @Test func eachConnectionIsToldAnotherTimeToComeBackAfter() async throws {
    var settings = StreamSettings()
    settings.retry = .seconds(4)
    let asked = Mutex<[ClosedRange<Double>]>([])
    let group = MultiThreadedEventLoopGroup.singleton
    let streams = EventStreams(
      settings: settings, source: FakeSource(), presence: RecordedPresence(), eventLoopGroup: group,
      jitter: { range in
        asked.withLock {
          $0.append(range)
          return [0.5, 1.5][$0.count - 1]
        }
      }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { await streams.run() }
    defer { running.cancel() }
    for milliseconds in [2_000, 6_000] {
      let stream = try await streams.open(
        StreamRequest(sessionID: "s", participantID: "p", start: .live, authorized: .zero, hasEnded: false),
        on: group.any())
      for _ in 0..<2 { #expect(String(buffer: stream.firstFrames()).hasPrefix("retry: \(milliseconds)\n\n")) }
      stream.close()
    }
    #expect(asked.withLock { $0 } == [0.5...1.5, 0.5...1.5])
    for _ in 0..<100 { #expect((0.5...1.5).contains(EventStreams.random(in: 0.5...1.5))) }
  }

  @Test func oneSubscriptionServesAllStreamsOfASessionOnALoop() async throws {
    try await withNode { node in
      let clients = [try await node.open(), try await node.open(), try await node.open()]
      #expect(node.source.subscriptions == 1)
      for _ in 0..<5 { node.source.append() }
      for client in clients { try await client.expect([1, 2, 3, 4, 5]) }
      for client in clients { try await client.set { $0.onClosed?() } }
      for client in clients { #expect(await client.serving.value == false) }
      try await eventually("the subscription ends") { node.source.subscriptions == 0 && node.streams.openStreams == 0 }
    }
  }

  @Test func whatArrivesInOneTurnIsOneWrite() async throws {
    try await withNode { node in
      let client = try await node.open()
      node.source.append()
      try await client.expect([1])
      let before = try await client.writes()
      try await node.loop.submit { for _ in 0..<50 { node.source.append() } }.get()
      try await client.expect(Array(1...51))
      #expect(try await client.writes() - before == 1)
    }
  }

  @Test func chunksAreFramedOnce() async throws {
    try await withNode { node in
      let client = try await node.open(coding: .chunked)
      node.source.append()
      try await client.expect([1])
      #expect(try await client.text() == "1a\r\nid: 1000-1\ndata: {\"n\":1}\n\n\r\n")
    }
  }

  @Test func aStreamBeginsAfterItsCursorAndGoesOnLive() async throws {
    try await withNode { node in
      for _ in 0..<6 { node.source.append() }
      let resumed = try await node.open(.after(id(4).description), authorized: 6)
      let all = try await node.open(.earliest, authorized: 6)
      let live = try await node.open(.live, authorized: 6)
      node.source.append()
      try await resumed.expect([5, 6, 7])
      try await all.expect(Array(1...7))
      try await live.expect([7])
    }
  }

  @Test func nothingBetweenTheAuthorizationAndTheSubscriptionIsMissed() async throws {
    try await withNode { node in
      for _ in 0..<6 { node.source.append() }
      let client = try await node.open(.live, authorized: 4)
      try await client.expect([5, 6])
    }
  }

  @Test func aStreamIsRefusedWhileRedisIsDownAndLeavesNothingBehind() async throws {
    try await withNode { node in
      node.source.setDown(true)
      await #expect(throws: FakeSource.Down.self) { _ = try await node.open() }
      #expect(node.streams.openStreams == 0)
      node.source.setDown(false)
      let client = try await node.open()
      node.source.append()
      try await client.expect([1])
    }
  }
}
