import CoreMetrics
import Logging
import MetricsTestKit
import NIOCore
import NIOPosix
import SharedSessions
import Synchronization
import TestSupport
import Testing

@testable import EventStreaming

/// The hub and its streams on real event loops, with a source and connections in memory.
@Suite struct EventStreamsTests {
  /// Who came and went, in order. Sendable: behind a mutex.
  private final class Presence: StreamPresence {
    let changes = Mutex<[String]>([])

    func participant(_ participantID: String, of sessionID: String, isOnline: Bool) async {
      changes.withLock { $0.append("\(participantID) \(isOnline ? "on" : "off")") }
    }
  }

  /// One stream and the task that serves it. Sendable: the output is only touched on its loop.
  private struct Client: Sendable {
    let loop: any EventLoop
    let output: NIOLoopBoundBox<FakeOutput>
    let serving: Task<Bool, Never>

    func text() async throws -> String { try await loop.submit { output.value.text }.get() }
    func writes() async throws -> Int { try await loop.submit { output.value.writes }.get() }
    func set(_ change: @escaping @Sendable (FakeOutput) -> Void) async throws {
      try await loop.submit { change(output.value) }.get()
    }

    /// The numbers of the events it was given.
    func numbers() async throws -> [Int] {
      try await text().split(separator: "{\"n\":").dropFirst().compactMap { Int($0.prefix { $0.isNumber }) }
    }

    func expect(_ numbers: [Int]) async throws {
      try await eventually("\(numbers.count) events") { try await self.numbers().count >= numbers.count }
      #expect(try await self.numbers() == numbers)
    }
  }

  private struct Node: Sendable {
    let source: FakeSource
    let streams: EventStreams
    let presence: Presence
    let loop: any EventLoop

    func open(
      _ start: StreamRequest.Start = .live, authorized: Int = 0, participant: String = "p", hasEnded: Bool = false,
      framing: StreamFraming = .identity
    ) async throws -> Client {
      let stream = try await streams.open(
        StreamRequest(
          sessionID: "s", participantID: participant, start: start, authorized: id(authorized), hasEnded: hasEnded),
        on: loop)
      let output = NIOLoopBoundBox.makeBoxSendingValue(FakeOutput(), eventLoop: loop)
      let serving = Task { await stream.serve(framing: framing) { output.value } }
      try await eventually("the stream listens") { try await loop.submit { output.value.onClosed != nil }.get() }
      return Client(loop: loop, output: output, serving: serving)
    }
  }

  private func withNode(
    _ configure: (inout StreamSettings) -> Void = { _ in }, _ body: (Node) async throws -> Void
  ) async throws {
    var settings = StreamSettings()
    settings.presenceDebounce = .milliseconds(10)
    configure(&settings)
    let (source, presence, group) = (FakeSource(), Presence(), MultiThreadedEventLoopGroup.singleton)
    let streams = EventStreams(
      settings: settings, source: source, presence: presence, eventLoopGroup: group,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { await streams.run() }
    defer { running.cancel() }
    try await body(Node(source: source, streams: streams, presence: presence, loop: group.any()))
  }

  /// The clients of a node that died would otherwise all come back in the same moment.
  @Test func eachConnectionIsToldAnotherTimeToComeBackAfter() async throws {
    var settings = StreamSettings()
    settings.retry = .seconds(4)
    let asked = Mutex<[ClosedRange<Double>]>([])
    let group = MultiThreadedEventLoopGroup.singleton
    let streams = EventStreams(
      settings: settings, source: FakeSource(), presence: Presence(), eventLoopGroup: group,
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
      for _ in 0..<2 { #expect(String(buffer: stream.firstFrames).hasPrefix("retry: \(milliseconds)\n\n")) }
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
      let client = try await node.open(framing: .chunked)
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

  @Test func aSubscriptionThatLosesEventsIsRepairedWhenItIsRestored() async throws {
    try await withNode { node in
      let client = try await node.open()
      node.source.setDeaf(true)
      for _ in 0..<3 { node.source.append() }
      node.source.setDeaf(false)
      node.source.restore()
      try await client.expect([1, 2, 3])
      node.source.append()
      try await client.expect([1, 2, 3, 4])
    }
  }

  @Test func aSubscriptionThatIsSilentlyDeafIsFoundByComparison() async throws {
    try await withNode({ $0.comparison = .milliseconds(20) }) { node in
      let client = try await node.open()
      node.source.setDeaf(true)
      for _ in 0..<3 { node.source.append() }
      try await client.expect([1, 2, 3])
    }
  }

  @Test func aRepairThatFailsIsTriedAgain() async throws {
    try await withNode { node in
      let client = try await node.open()
      node.source.setDeaf(true)
      node.source.append()
      node.source.setDown(true)
      node.source.restore()
      node.source.setDown(false)
      try await client.expect([1])
    }
  }

  @Test func eventsThatAreGoneForGoodEndTheStreamsSoThatTheyResume() async throws {
    try await withNode { node in
      for _ in 0..<3 { node.source.append() }
      let client = try await node.open(.live, authorized: 3)
      node.source.setDeaf(true)
      for _ in 0..<3 { node.source.append() }
      node.source.trim(5)
      node.source.restore()
      #expect(await client.serving.value)
      node.source.setDeaf(false)
      let next = try await node.open(.live, authorized: 6)
      node.source.append()
      try await next.expect([7])
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

  @Test func aLongReplayWaitsForAClientThatDoesNotRead() async throws {
    try await withNode({ $0.bufferBytes = 1 << 20 }) { node in
      let count = FakeSource.pageSize * 10
      for _ in 0..<count { node.source.append() }
      let stream = try await node.streams.open(
        StreamRequest(sessionID: "s", participantID: "p", start: .earliest, authorized: id(count)), on: node.loop)
      let output = NIOLoopBoundBox.makeBoxSendingValue(FakeOutput(), eventLoop: node.loop)
      try await node.loop.submit { output.value.isWritable = false }.get()
      let serving = Task { await stream.serve(framing: .identity) { output.value } }
      let client = Client(loop: node.loop, output: output, serving: serving)
      try await client.expect(Array(1...FakeSource.pageSize))
      let pages = node.source.pagesRead
      node.source.append()
      #expect(node.source.pagesRead == pages)
      try await client.set { $0.isWritable = true }
      try await client.expect(Array(1...(count + 1)))
    }
  }

  @Test func aReplayThatIsNeverReadPinsNoMoreThanItsBudgetAndLosesNothing() async throws {
    let text = String(repeating: "x", count: 10_000)
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      try await withNode({ $0.bufferBytes = 100_000 }) { node in
        func appendLarge(_ count: Int) {
          for _ in 0..<count {
            node.source.append { seq in
              var event = event(seq)
              event.data = ByteBuffer(string: "{\"n\":\(seq),\"text\":\"\(text)\"}")
              return event
            }
          }
        }
        appendLarge(40)
        let stream = try await node.streams.open(
          StreamRequest(sessionID: "s", participantID: "p", start: .earliest, authorized: id(40)), on: node.loop)
        let output = NIOLoopBoundBox.makeBoxSendingValue(FakeOutput(), eventLoop: node.loop)
        try await node.loop.submit { output.value.isWritable = false }.get()
        let serving = Task { await stream.serve(framing: .identity) { output.value } }
        let client = Client(loop: node.loop, output: output, serving: serving)
        try await client.expect(Array(1...FakeSource.pageSize))
        appendLarge(40)
        try await client.set { $0.isWritable = true }
        try await client.expect(Array(1...80))
        let dropped = try metrics.expectCounter("tandem.streams.held.dropped").values.reduce(0, +)
        #expect((30...39).contains(dropped), "ten of 10,000 bytes fit into the budget: \(dropped)")
      }
    }
  }

  @Test func aNodeThatHasStoppedRefusesStreamsInsteadOfLettingThemWait() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let streams = EventStreams(
      settings: StreamSettings(), source: FakeSource(), presence: Presence(), eventLoopGroup: group,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { await streams.run() }
    running.cancel()
    await running.value
    let request = StreamRequest(sessionID: "s", participantID: "p", start: .live, authorized: .zero)
    await #expect(throws: StreamRefusal.draining) { try await streams.open(request, on: group.any()) }
    #expect(streams.openStreams == 0)
  }

  @Test func aSlowClientIsCutOffAtItsBudgetAndTheOthersGoOn() async throws {
    try await withNode({ $0.bufferBytes = 200 }) { node in
      let (slow, quick) = (try await node.open(), try await node.open())
      try await slow.set { $0.isWritable = false }
      for _ in 0..<30 { node.source.append() }
      #expect(await slow.serving.value == false)
      try await quick.expect(Array(1...30))
    }
  }

  @Test func heartbeatsGoToThoseWhoRead() async throws {
    try await withNode({ $0.heartbeat = .milliseconds(5) }) { node in
      let (reading, stalled) = (try await node.open(), try await node.open())
      try await stalled.set { $0.isWritable = false }
      let (before, beats) = (try await stalled.text(), try await reading.writes())
      try await eventually("three more heartbeats") { try await reading.writes() >= beats + 3 }
      #expect(try await reading.text().hasSuffix(": heartbeat\n\n"))
      #expect(try await stalled.text() == before)
    }
  }

  @Test func drainingEndsEveryStreamWithAPauseAndRefusesNewOnes() async throws {
    try await withNode { node in
      let clients = [try await node.open(), try await node.open()]
      node.streams.drain(within: .milliseconds(20))
      for client in clients {
        #expect(await client.serving.value)
        #expect(try await client.text().hasPrefix("retry: "))
      }
      await #expect(throws: StreamRefusal.draining) { _ = try await node.open() }
      try await eventually("no stream is open") { node.streams.openStreams == 0 }
    }
  }

  @Test func aStreamThatWasAdmittedBeforeTheDrainEndsLikeTheOthers() async throws {
    try await withNode { node in
      let stream = try await node.streams.open(
        StreamRequest(sessionID: "s", participantID: "p", start: .live, authorized: id(0)), on: node.loop)
      node.streams.drain(within: .milliseconds(20))
      let output = NIOLoopBoundBox.makeBoxSendingValue(FakeOutput(), eventLoop: node.loop)
      #expect(await stream.serve(framing: .identity) { output.value })
      try await eventually("no stream is open") { node.streams.openStreams == 0 }
    }
  }

  @Test func aParticipantHasSoManyStreamsAndTheNodeToo() async throws {
    try await withNode({
      $0.streamsPerParticipant = 2
      $0.streamsPerNode = 3
    }) { node in
      let first = try await node.open(participant: "a")
      _ = try await node.open(participant: "a")
      await #expect(throws: StreamRefusal.participantLimit(2)) { _ = try await node.open(participant: "a") }
      _ = try await node.open(participant: "b")
      await #expect(throws: StreamRefusal.nodeLimit(3)) { _ = try await node.open(participant: "c") }
      try await first.set { $0.onClosed?() }
      try await eventually("room") { node.streams.openStreams == 2 }
      _ = try await node.open(participant: "a")
    }
  }

  @Test func presenceIsTheFirstAndTheLastStream() async throws {
    try await withNode { node in
      let (one, two) = (try await node.open(), try await node.open())
      try await eventually("online") { node.presence.changes.withLock { $0 } == ["p on"] }
      try await one.set { $0.onClosed?() }
      _ = await one.serving.value
      try await two.set { $0.onClosed?() }
      try await eventually("offline") { node.presence.changes.withLock { $0 } == ["p on", "p off"] }
    }
  }

  @Test func aPageThatReloadsNeverGoesOffline() async throws {
    try await withNode({ $0.presenceDebounce = .seconds(300) }) { node in
      let one = try await node.open()
      try await eventually("online") { node.presence.changes.withLock { $0 } == ["p on"] }
      try await one.set { $0.onClosed?() }
      _ = await one.serving.value
      let two = try await node.open()
      node.source.append()
      try await two.expect([1])
      #expect(node.presence.changes.withLock { $0 } == ["p on"])
    }
  }
}
