import AgentClientProtocol
import AsyncHTTPClient
import JSONText
import Logging
import Synchronization
import Testing

@testable import AgentBridge

private typealias Fixture = HostBridgeFixture

/// How sharing begins and ends: stopped, closed, refused, never begun.
@Suite(.timeLimit(.minutes(1)))
struct HostBridgeEndingTests {
  @Test func stoppingEndsTheTurnAndClosesEverything() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, recorder in
      node.approve("1", "wait")
      node.approve("2", "go")
      await node.until { $0.journal.contains("waiting") }
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal == ["1 started", "waiting", "1 completed"])
    #expect(state.dispatchStates["2"] == "queued")
    #expect(state.isSessionClosed && state.isHostDeleted)
    #expect(state.calls.last == "DELETE /api/host-sessions/hs")
  }

  /// Nothing answers any more: the bridge still ends, after its time limits.
  @Test func stoppingWithoutANode() async throws {
    let node = FakeNode()
    try await Fixture.share(node) {
      $0.stopTimeout = .milliseconds(100)
    } _: { bridge, _ in
      node.approve("1", "wait")
      await node.until { $0.journal.contains("waiting") }
      for _ in 0..<10_000 { node.fail("", .lostBefore) }
      node.loseStreams()
    }
    #expect(node.state.withLock { !$0.isHostDeleted && !$0.isSessionClosed })
  }

  @Test func theEndOfTheSessionEndsTheBridge() async throws {
    let node = FakeNode()
    let events = Mutex<[String]>([])
    try await FakeNodeServer.serve(node) { base in
      try await HTTPClient.withHTTPClient { http in
        let recorder = Fixture.Recorder()
        let bridge = HostBridge(
          configuration: Fixture.configuration([base]), observer: recorder, http: http,
          logger: Fixture.silence)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await bridge.run() }
          await node.until { $0.streams.values.contains { $0.kind == .session } }
          node.closeSession()
          try await group.waitForAll()
        }
        events.withLock { $0 = recorder.events.withLock { $0 } }
      }
    }
    #expect(events.withLock { $0 } == ["session_closed"])
    #expect(node.state.withLock { $0.isHostDeleted })
  }

  @Test(arguments: [
    ("/host-sessions", FakeNode.Fault.answer(401, code: "API_KEY_REQUIRED"), BridgeError.Code.refused),
    ("/shared-sessions", .answer(409, code: "SESSION_LIMIT"), .refused),
    ("/dispatches", .answer(403, code: "INVALID_HOST_TOKEN"), .refused),
  ])
  func whatANodeRefusesForGoodEndsTheBridge(_ path: String, _ fault: FakeNode.Fault, _ code: BridgeError.Code) async {
    let node = FakeNode()
    node.fail(path, fault)
    await #expect {
      try await Fixture.share(node) { _, _ in await node.until { $0.isHostDeleted } }
    } throws: { error in
      (error as? BridgeError)?.code == code
    }
  }

  @Test func anAgentThatCannotBeUsedSharesNothing() async {
    let node = FakeNode()
    await #expect {
      try await Fixture.share(node) {
        $0.agent.command = ["/bin/sh", "-c", "exit 4"]
      } _: { bridge, _ in
        await node.until { _ in false }
      }
    } throws: { error in
      (error as? BridgeError)?.description == "The agent exited with status 4."
    }
    #expect(node.state.withLock { $0.calls }.isEmpty)
  }

  @Test func stoppingWhileItBeginsIsNoError() async throws {
    let node = FakeNode()
    try await Fixture.share(node) {
      $0.agent.command = ["/bin/sh", "-c", "cat >/dev/null"]
    } _: { _, _ in
    }
    #expect(node.state.withLock { $0.calls }.isEmpty)
  }
}
