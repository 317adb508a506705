import Logging
import NIOCore
import NIOPosix
import SharedSessions
import Synchronization
import TestSupport
import Testing

@testable import EventStreaming

/// Several sessions on one connection, on real event loops, with sources and connections in memory.
@Suite struct CombinedStreamTests {
  private struct NoPresence: StreamPresence {
    func participant(_ participantID: String, of sessionID: String, hasStreams streams: Int?) async -> Bool { true }
    func living(_ byNode: [String: Int]) async throws -> Int { byNode.values.reduce(0, +) }
  }

  private struct Node: Sendable {
    let sources: FakeSources
    let streams: EventStreams
    let loop: any EventLoop

    /// Admits each session, and serves them on one connection.
    func open(
      _ starts: [(String, StreamRequest.Start)], authorized: Int = 0, refusing: [String] = [], types: String? = nil,
      visibility: EventVisibility = .everything, isWritable: Bool = true
    ) async throws -> Client {
      var parts: [StreamPart] = []
      for (session, start) in starts {
        guard !refusing.contains(session) else {
          parts.append(
            .refused(RefusedStream(sessionID: session, start: start, code: "SOME_CODE", message: "A sentence.")))
          continue
        }
        parts.append(
          .admitted(
            try await streams.admit(
              StreamRequest(
                sessionID: session, participantID: "p", start: start, authorized: id(authorized),
                visibility: visibility),
              on: loop)))
      }
      let stream = streams.combine(parts, types: try types.flatMap { try EventTypeFilter($0) }, on: loop)
      let output = NIOLoopBoundBox.makeBoxSendingValue(FakeOutput(), eventLoop: loop)
      try await loop.submit { output.value.isWritable = isWritable }.get()
      let serving = Task { await stream.serve(coding: .identity) { output.value } }
      try await eventually("the stream listens") { try await loop.submit { output.value.onClosed != nil }.get() }
      return Client(loop: loop, output: output, serving: serving, first: String(buffer: stream.firstFrames()))
    }

    /// An event in each of the sessions a and b, so that both are known to be live.
    func letBothFlow(to client: Client) async throws {
      for session in ["a", "b"] { sources[session].append() }
      try await eventually("both to flow") { try await client.ids().count == 2 }
    }
  }

  /// A connection and the task that serves it. Sendable: the output is only touched on its loop.
  private struct Client: Sendable {
    let loop: any EventLoop
    let output: NIOLoopBoundBox<FakeOutput>
    let serving: Task<Bool, Never>
    let first: String

    /// The cursor it started with.
    var start: String { first.split(separator: "\n").last.map { String($0.dropFirst(4)) } ?? "" }

    func text() async throws -> String { try await loop.submit { output.value.text }.get() }
    func writes() async throws -> Int { try await loop.submit { output.value.writes }.get() }
    func set(_ change: @escaping @Sendable (FakeOutput) -> Void) async throws {
      try await loop.submit { change(output.value) }.get()
    }

    /// The ids it was given, alone or with an event, in order.
    func ids() async throws -> [String] {
      try await text().split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
    }
  }

  private func withNode(
    _ sessions: [String], _ configure: (inout StreamSettings) -> Void = { _ in },
    _ body: (Node) async throws -> Void
  ) async throws {
    var settings = StreamSettings()
    configure(&settings)
    let (sources, group) = (FakeSources(sessions), MultiThreadedEventLoopGroup.singleton)
    let streams = EventStreams(
      settings: settings, source: sources, presence: NoPresence(), eventLoopGroup: group,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { await streams.run() }
    defer { running.cancel() }
    try await body(Node(sources: sources, streams: streams, loop: group.any()))
  }

  /// Checks that each id moves on only one part, and gives each part's places in order.
  private func places(_ ids: [String]) -> [[String]] {
    var parts = ids.first.map { $0.split(separator: ",").map { [String($0)] } } ?? []
    for id in ids.dropFirst() {
      for (index, part) in id.split(separator: ",").enumerated() where parts[index].last != String(part) {
        parts[index].append(String(part))
      }
    }
    return parts
  }

  @Test func everyIDIsTheCursorOfAllSessions() async throws {
    try await withNode(["a", "b", "c"]) { node in
      let client = try await node.open([("a", .live), ("b", .live), ("c", .live)])
      #expect(client.first.hasSuffix("\n\nid: earliest,earliest,earliest\n\n"))
      for _ in 0..<3 { for session in ["c", "a"] { node.sources[session].append() } }
      try await eventually("all events") { try await client.ids().count == 6 }
      let ids = try await client.ids()
      #expect(ids.last == "\(id(3)),earliest,\(id(3))")
      let seen = places(["earliest,earliest,earliest"] + ids).map { Array($0.dropFirst()) }
      #expect(seen == [(1...3).map { id($0).description }, [], (1...3).map { id($0).description }])
    }
  }

  @Test(arguments: [("2,5", [3, 4, 5, 6, 7], [6, 7]), ("0,6", [1, 2, 3, 4, 5, 6, 7], [7]), ("6,-", [7], [5, 6, 7])])
  func aClientThatResumesGetsTheRestOfEach(cursor: String, ofA: [Int], ofB: [Int]) async throws {
    try await withNode(["a", "b"]) { node in
      for _ in 0..<6 { for session in ["a", "b"] { node.sources[session].append() } }
      let places = cursor.split(separator: ",").map { Int($0).map { StreamCursor.text(id($0)) } ?? "-" }
      let starts = StreamCursor.starts(places.joined(separator: ","), own: [nil, id(4).description])
      let client = try await node.open([("a", starts[0]), ("b", starts[1])], authorized: 6)
      for session in ["a", "b"] { node.sources[session].append() }
      try await eventually("both to be there") { try await client.ids().last == "\(id(7)),\(id(7))" }
      let seen = self.places([client.start] + (try await client.ids())).map { Array($0.dropFirst()) }
      #expect(seen == [ofA.map { id($0).description }, ofB.map { id($0).description }])
    }
  }

  @Test func pagesOfAllReplaysAreReadOneAtATimeAndInTurn() async throws {
    let sessions = (0..<4).map { "s\($0)" }
    try await withNode(sessions) { node in
      for session in sessions { for _ in 0..<(FakeSource.pageSize * 8) { node.sources[session].append() } }
      let client = try await node.open(sessions.map { ($0, .earliest) }, authorized: FakeSource.pageSize * 8)
      try await eventually("all of all") { try await client.ids().count == 4 * FakeSource.pageSize * 8 }
      #expect(node.sources.mostPagesAtOnce == 1)
      let first = try await client.ids()[FakeSource.pageSize * 2]
      #expect(first.hasSuffix(",earliest") && !first.hasPrefix("earliest"), "the others had their turn: \(first)")
    }
  }

  @Test func aReplayThatTakesLongKeepsNoLiveEventBack() async throws {
    try await withNode(["slow", "live"]) { node in
      for _ in 0..<3 { node.sources["slow"].append() }
      node.sources["slow"].holdPages(true)
      let client = try await node.open([("live", .live), ("slow", .earliest)], authorized: 0)
      try await eventually("the page to be asked for") { node.sources["slow"].heldReaders == 1 }
      for _ in 0..<5 { node.sources["live"].append() }
      try await eventually("the live events") { try await client.ids().last == "\(id(5)),earliest" }
      node.sources["slow"].append()
      node.sources["slow"].holdPages(false)
      try await eventually("the replay, and live") { try await client.ids().last == "\(id(5)),\(id(4))" }
      #expect(places(try await client.ids())[1].dropFirst() == [id(1), id(2), id(3), id(4)].map(\.description)[...])
    }
  }

  @Test func aSessionThatEndsGivesBackWhatIsItsAndTheOthersGoOn() async throws {
    try await withNode(["a", "b"]) { node in
      let client = try await node.open([("a", .live), ("b", .live)])
      node.sources["a"].append("session_closed")
      try await eventually("its part to be over") {
        node.sources["a"].subscriptions == 0 && node.streams.openStreams == 1
      }
      node.sources["b"].append()
      try await eventually("the other session") { try await client.ids().last == "\(id(1)),\(id(1))" }
      node.sources["b"].append("participant_left", subject: "p")
      #expect(await client.serving.value)
      #expect(try await client.ids().last == "\(id(1)),\(id(2))")
      try await eventually("nothing left") { node.sources["b"].subscriptions == 0 && node.streams.openStreams == 0 }
    }
  }

  @Test func whatConcernsAllEndsTheConnection() async throws {
    try await withNode(["a", "b"]) { node in
      for _ in 0..<3 { node.sources["a"].append() }
      let client = try await node.open([("a", .live), ("b", .live)], authorized: 0)
      try await eventually("the first events") { try await client.ids().count == 3 }
      node.sources["a"].setDeaf(true)
      for _ in 0..<3 { node.sources["a"].append() }
      node.sources["a"].trim(5)
      node.sources["a"].restore()
      #expect(await client.serving.value)
      try await eventually("nothing left") { node.streams.openStreams == 0 && node.sources["b"].subscriptions == 0 }
    }
  }

  @Test func oneBudgetIsForAllSessions() async throws {
    try await withNode(["a", "b"], { $0.bufferBytes = 400 }) { node in
      let client = try await node.open([("a", .live), ("b", .live)])
      try await node.letBothFlow(to: client)
      try await client.set { $0.isWritable = false }
      for _ in 0..<8 { for session in ["a", "b"] { node.sources[session].append() } }
      #expect(await client.serving.value == false)
      try await eventually("nothing left") { node.streams.openStreams == 0 }
    }
  }

  @Test func heartbeatsAreTheConnectionsAndTellWhereItStands() async throws {
    try await withNode(["a", "b"], { $0.heartbeat = .milliseconds(20) }) { node in
      let client = try await node.open([("a", .live), ("b", .live)], types: "message_created")
      let starts = try await client.writes()
      try await eventually("heartbeats") { try await client.writes() >= starts + 4 }
      #expect(try await client.text().split(separator: "\n\n").allSatisfy { $0 == ": heartbeat" })
      #expect(try await client.ids().isEmpty)
      node.sources["a"].append("host_online")
      node.sources["b"].append("host_online")
      try await eventually("the position") { try await client.ids().last == "\(id(1)),\(id(1))" }
      #expect(try await client.text().contains("data:") == false)
    }
  }

  @Test func oneWhoIsRefusedKeepsItsPlaceInEveryID() async throws {
    try await withNode(["a", "b", "c"]) { node in
      let client = try await node.open(
        [("a", .after(id(5).description)), ("b", .live), ("c", .after("nonsense"))], refusing: ["a", "c"])
      #expect(client.first.components(separatedBy: #""type":"stream_refused""#) == 2)
      #expect(client.first.contains(#""payload":{"code":"SOME_CODE","error":"A sentence."}"#))
      node.sources["b"].append()
      try await eventually("the event") { try await client.ids() == ["\(id(5)),\(id(1)),-"] }
    }
  }

  /// What changes a client's view could otherwise be skipped with a guessed cursor.
  @Test func aCursorFromTheFutureIsUnknownEvenWhenItHasComeTrue() async throws {
    try await withNode(["a"]) { node in
      for _ in 0..<6 { node.sources["a"].append() }
      let client = try await node.open([("a", .after(id(6).description))], authorized: 4)
      #expect(client.first.contains(#""reason":"cursor_unknown","cursor":"\#(id(4))""#))
      try await eventually("what came meanwhile") { try await client.ids() == [id(5), id(6)].map(\.description) }
    }
  }

  @Test func drainingEndsItOnceAndTellsWhereItStands() async throws {
    try await withNode(["a", "b"]) { node in
      let client = try await node.open([("a", .live), ("b", .live)], types: "message_created")
      let other = try await node.open([("a", .live)])
      try await node.letBothFlow(to: client)
      node.sources["a"].append("host_online")
      try await eventually("the event to have been passed over") { try await other.ids().last == id(2).description }
      #expect(try await client.ids().count == 2)
      node.streams.drain(within: .milliseconds(20))
      #expect(await client.serving.value)
      #expect(try await client.text().contains("}\n\nid: \(id(2)),\(id(1))\n\nretry: "))
      #expect(try await client.text().components(separatedBy: "retry: ") == 1)
      try await eventually("nothing left") { node.streams.openStreams == 0 }
    }
  }

  @Test func whatIsNeverServedGivesEverythingBack() async throws {
    try await withNode(["a", "b"]) { node in
      var parts: [StreamPart] = []
      for session in ["a", "b"] {
        let request = StreamRequest(sessionID: session, participantID: "p", start: .live, authorized: .zero)
        parts.append(.admitted(try await node.streams.admit(request, on: node.loop)))
      }
      let stream = node.streams.combine(parts, on: node.loop)
      #expect(node.streams.openStreams == 2)
      stream.close()
      stream.close()
      #expect(node.streams.openStreams == 0)
      try await eventually("no subscription") {
        node.sources["a"].subscriptions == 0 && node.sources["b"].subscriptions == 0
      }
    }
  }

  @Test func eachSessionHasItsOwnView() async throws {
    let visibility = EventVisibility(participantID: "p", role: .viewer, viewerUpdates: .all, asOf: .zero)
    try await withNode(["a", "b"]) { node in
      let client = try await node.open([("a", .live), ("b", .live)], visibility: visibility)
      node.sources["a"].append { setting($0, .reduced) }
      for session in ["a", "b"] {
        node.sources[session].append { thought($0) }
        node.sources[session].append()
      }
      try await eventually("the last of both") { try await client.ids().last == "\(id(3)),\(id(2))" }
      #expect(try await client.text().components(separatedBy: "agent_thought_chunk") == 1)
      #expect(try await client.ids().count == 4)
    }
  }
}

extension String {
  /// How often a text occurs.
  fileprivate func components(separatedBy text: String) -> Int {
    split(separator: text, omittingEmptySubsequences: false).count - 1
  }
}
