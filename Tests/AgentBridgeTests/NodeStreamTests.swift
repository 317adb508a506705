import AsyncHTTPClient
import JSONText
import NIOCore
import Synchronization
import Testing

@testable import AgentBridge

/// A stream of a node, as long as the bridge lives.
@Suite(.timeLimit(.minutes(1)))
struct NodeStreamTests {
  /// A node, or what is in front of it, has gone without a word.
  @Test func aStreamThatIsSilentForTooLongIsOpenedAgain() async throws {
    let node = FakeNode()
    try await FakeNodeServer.serve(node) { base in
      var configuration = HTTPClient.Configuration()
      configuration.timeout.read = .milliseconds(50)
      try await HTTPClient.withHTTPClient(configuration: configuration) { http in
        let client = NodeClient(servers: [base], apiKey: nil, http: http, logger: HostBridgeFixture.silence)
        let stream = NodeStream(
          client: client, path: "/api/host-sessions/hs/dispatches", token: "ht", logger: HostBridgeFixture.silence)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            await #expect(throws: NodeError.stopped) { try await stream.read { _ in true } }
          }
          await node.until { $0.attachments >= 3 }
          group.cancelAll()
          try await group.waitForAll()
        }
      }
    }
  }

  /// It would be asked for again and again.
  @Test func whatIsNoJSONIsPassedOver() async throws {
    let node = FakeNode()
    let recorder = HostBridgeFixture.Recorder()
    try await FakeNodeServer.serve(node) { base in
      try await HTTPClient.withHTTPClient { http in
        let client = NodeClient(servers: [base], apiKey: nil, http: http, logger: HostBridgeFixture.silence)
        let stream = NodeStream(
          client: client, path: "/api/shared-sessions/ss/stream", token: nil, logger: HostBridgeFixture.silence)
        async let reading: Void = stream.read(onSkipped: { await recorder.eventSkipped() }) { event in
          await recorder.event(event)
          return event["type"]?.string != "whole"
        }
        await node.until { $0.streams.values.contains { $0.kind == .session } }
        node.tell("broken", "{", id: "1-0")
        node.tell("whole", "{}", id: "2-0")
        try await reading
      }
    }
    #expect(recorder.events.withLock { $0 } == ["connected", "skipped", "whole"])
    #expect(node.state.withLock { $0.calls.count } == 1)
  }
}
