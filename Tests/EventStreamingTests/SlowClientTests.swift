import CoreMetrics
import MetricsTestKit
import NIOCore
import SharedSessions
import TestSupport
import Testing

@testable import EventStreaming

/// Clients that read slowly or not at all, on real event loops.
@Suite struct SlowClientTests {
  @Test func aLongReplayWaitsForAClientThatDoesNotRead() async throws {
    try await withNode({ $0.bufferBytes = 1 << 20 }) { node in
      let count = FakeSource.pageSize * 10
      for _ in 0..<count { node.source.append() }
      let stream = try await node.streams.open(
        StreamRequest(sessionID: "s", participantID: "p", start: .earliest, authorized: id(count)), on: node.loop)
      let output = NIOLoopBoundBox.makeBoxSendingValue(FakeOutput(), eventLoop: node.loop)
      try await node.loop.submit { output.value.isWritable = false }.get()
      let serving = Task { await stream.serve(coding: .identity) { output.value } }
      let client = StreamClient(loop: node.loop, output: output, serving: serving)
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
        let serving = Task { await stream.serve(coding: .identity) { output.value } }
        let client = StreamClient(loop: node.loop, output: output, serving: serving)
        try await client.expect(Array(1...FakeSource.pageSize))
        appendLarge(40)
        try await client.set { $0.isWritable = true }
        try await client.expect(Array(1...80))
        let dropped = try metrics.expectCounter("tandem.streams.held.dropped").values.reduce(0, +)
        #expect((30...39).contains(dropped), "ten of 10,000 bytes fit into the budget: \(dropped)")
      }
    }
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
}
