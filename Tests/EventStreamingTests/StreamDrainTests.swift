import Logging
import NIOCore
import NIOPosix
import SharedSessions
import TestSupport
import Testing

@testable import EventStreaming

/// A node that ends its streams, and one that has ended.
@Suite struct StreamDrainTests {
  @Test func aNodeThatHasStoppedRefusesStreamsInsteadOfLettingThemWait() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let streams = EventStreams(
      settings: StreamSettings(), source: FakeSource(), presence: RecordedPresence(), eventLoopGroup: group,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { await streams.run() }
    running.cancel()
    await running.value
    let request = StreamRequest(sessionID: "s", participantID: "p", start: .live, authorized: .zero)
    await #expect(throws: StreamRefusal.draining) { try await streams.open(request, on: group.any()) }
    #expect(streams.openStreams == 0)
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
      #expect(await stream.serve(coding: .identity) { output.value })
      try await eventually("no stream is open") { node.streams.openStreams == 0 }
    }
  }
}
