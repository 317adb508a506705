import Logging
import NIOCore
import NIOPosix
import SharedSessions
import Synchronization
import TestSupport
import Testing

@testable import EventStreaming

/// One stream and the task that serves it. Sendable: the output is only touched on its loop.
struct StreamClient: Sendable {
  let loop: any EventLoop
  let output: NIOLoopBoundBox<FakeOutput>
  let serving: Task<Bool, Never>

  func text() async throws -> String { try await loop.submit { output.value.text }.get() }
  func writes() async throws -> Int { try await loop.submit { output.value.writes }.get() }
  func set(_ change: @escaping @Sendable (FakeOutput) -> Void) async throws {
    try await loop.submit { change(output.value) }.get()
  }

  /// The client goes away; returns when its stream is over.
  func close() async throws {
    try await set { $0.onClosed?() }
    _ = await serving.value
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

/// A node's streams, on one event loop.
struct StreamNode: Sendable {
  let source: FakeSource
  let streams: EventStreams
  let presence: RecordedPresence
  let loop: any EventLoop

  func open(
    _ start: StreamRequest.Start = .live, authorized: Int = 0, participant: String = "p", hasEnded: Bool = false,
    elsewhere: [String: Int] = [:], coding: TransferCoding = .identity
  ) async throws -> StreamClient {
    let stream = try await streams.open(
      StreamRequest(
        sessionID: "s", participantID: participant, start: start, authorized: id(authorized), hasEnded: hasEnded,
        streamsElsewhere: elsewhere),
      on: loop)
    let output = NIOLoopBoundBox.makeBoxSendingValue(FakeOutput(), eventLoop: loop)
    let serving = Task { await stream.serve(coding: coding) { output.value } }
    try await eventually("the stream listens") { try await loop.submit { output.value.onClosed != nil }.get() }
    return StreamClient(loop: loop, output: output, serving: serving)
  }
}

/// Runs `body` with the streams of a node.
func withNode(
  _ configure: (inout StreamSettings) -> Void = { _ in }, _ body: (StreamNode) async throws -> Void
) async throws {
  var settings = StreamSettings()
  settings.presenceDebounce = .milliseconds(10)
  configure(&settings)
  let (source, presence, group) = (FakeSource(), RecordedPresence(), MultiThreadedEventLoopGroup.singleton)
  let streams = EventStreams(
    settings: settings, source: source, presence: presence, eventLoopGroup: group,
    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  let running = Task { await streams.run() }
  defer { running.cancel() }
  try await body(StreamNode(source: source, streams: streams, presence: presence, loop: group.any()))
}
