import SharedSessions
import TestSupport
import Testing

@testable import EventStreaming

/// How many streams may be open, and who counts them.
@Suite struct StreamLimitTests {
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

  /// What another node holds counts as long as that node lives.
  @Test func streamsOnOtherNodesCountWhileTheseLive() async throws {
    try await withNode({ $0.streamsPerParticipant = 4 }) { node in
      node.presence.setLiving(["there", "idle"])
      _ = try await node.open(elsewhere: ["there": 2, "idle": 0])
      #expect(node.presence.questions == 0, "below the limit nobody is asked who lives")
      _ = try await node.open(elsewhere: ["there": 2])
      await #expect(throws: StreamRefusal.participantLimit(4)) { _ = try await node.open(elsewhere: ["there": 2]) }
      _ = try await node.open(elsewhere: ["there": 1, "dead": 40])
      await #expect(throws: StreamRefusal.participantLimit(4)) { _ = try await node.open(elsewhere: ["there": 1]) }
      _ = try await node.open(elsewhere: ["dead": 4])
      #expect(node.streams.openStreams == 4)
    }
  }

  @Test func whoLivesIsNotFoundOutSoTheStreamIsRefusedAndCountsForNothing() async throws {
    try await withNode({ $0.streamsPerParticipant = 2 }) { node in
      node.presence.setLiving(nil)
      await #expect(throws: RecordedPresence.Down.self) { _ = try await node.open(elsewhere: ["there": 2]) }
      #expect(node.streams.openStreams == 0)
      _ = try await node.open(elsewhere: ["there": 1])
    }
  }

  @Test func eachPartOfACombinedStreamIsCountedForItself() async throws {
    try await withNode({ $0.streamsPerParticipant = 2 }) { node in
      node.presence.setLiving(["there"])
      let full = StreamRequest(
        sessionID: "full", participantID: "p", start: .live, authorized: .zero, streamsElsewhere: ["there": 2])
      await #expect(throws: StreamRefusal.participantLimit(2)) { try await node.streams.admit(full, on: node.loop) }
      let free = StreamRequest(
        sessionID: "free", participantID: "p", start: .live, authorized: .zero, streamsElsewhere: ["there": 1])
      try await node.streams.admit(free, on: node.loop).close()
    }
  }
}
