import AgentClientProtocol
import AsyncHTTPClient
import Basics
import JSONText
import Logging
import Synchronization
import Testing

@testable import AgentBridge

private typealias Fixture = HostBridgeFixture

/// The whole bridge while it shares: a real agent process against a fake node.
@Suite(.timeLimit(.minutes(1)))
struct HostBridgeTests {
  @Test func aPromptRunsBetweenItsReports() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, recorder in
      node.approve("1", "go")
      await node.until(Fixture.isOver("1"))
      #expect(recorder.session.withLock { $0?.inviteURL.hasSuffix("/s/ss#invite=it") } == true)
    }
    let state = node.state.withLock { $0 }
    // The two pieces of text are one, and everything lies between the reports.
    #expect(state.journal == ["1 started", "Hello there", "plan", "1 completed"])
    #expect(state.isSessionClosed && state.isHostDeleted)
    #expect(state.bridgeIDs.count == 1)
  }

  /// On a machine with several users nobody else may run prompts as its owner, unless the host says so.
  @Test(arguments: [BridgeConfiguration.Sharing.token, .anyone])
  func theHostSessionSaysWhoMayShareIt(_ sharing: BridgeConfiguration.Sharing) async throws {
    #expect(Fixture.configuration([]).sharing == .token)
    let node = FakeNode()
    try await Fixture.share(node) {
      $0.sharing = sharing
    } _: { _, _ in
      await node.until { $0.attachments > 0 }
    }
    #expect(node.state.withLock { $0.sharing } == sharing.rawValue)
  }

  /// Whoever guesses a key gets the answer, tokens included.
  @Test func everyCallThatChangesSomethingHasAKeyNobodyGuesses() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, _ in
      node.approve("1", "ask")
      await node.until { !$0.permissions.isEmpty }
      node.answer("p1", "yes")
      await node.until(Fixture.isOver("1"))
    }
    let keys = node.state.withLock { $0.postKeys }
    #expect(keys.count >= 6)
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    for key in keys {
      #expect((22...64).contains(key?.count ?? 0), "\(key ?? "none")")
      #expect(allowed.isSuperset(of: key ?? " "))
    }
    #expect(Set(keys).count == keys.count)
    #expect(IdempotencyKey.bytes >= 16)
  }

  /// It would come again at the same cursor for ever.
  @Test func anEventThatIsTooLargeIsPassedOverAndTheHostIsTold() async throws {
    let node = FakeNode()
    try await Fixture.share(node) {
      $0.eventBytes = 1_000
    } _: { _, recorder in
      await node.until { $0.streams.values.contains { $0.kind == .session } }
      node.tell("message_created", #"{"text":"\#(String(repeating: "x", count: 5_000))"}"#, id: "5-0")
      node.tell("participant_joined", "{}", id: "6-0")
      await recorder.hasSeenJoining.wait()
      #expect(recorder.events.withLock { $0 } == ["skipped", "participant_joined"])
      #expect(node.state.withLock { $0.calls.filter { $0 == "GET /api/shared-sessions/ss/stream" }.count } == 1)
    }
  }

  @Test func promptsRunOneAfterAnother() async throws {
    let node = FakeNode()
    node.approve("1", "go")
    node.approve("2", "many")
    node.approve("3", "go")
    try await Fixture.share(node) { _, _ in await node.until(Fixture.isOver("3")) }
    let hello = ["Hello there", "plan"]
    #expect(
      node.state.withLock { $0.journal }
        == ["1 started"] + hello + ["1 completed", "2 started"] + (0..<100).map { "k\($0)" }
        + ["2 completed", "3 started"] + hello + ["3 completed"])
  }

  @Test func whatIsDeliveredAgainDoesNotRunAgain() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, _ in
      node.approve("1", "go")
      await node.until(Fixture.isOver("1"))
      // A node that has forgotten, as after a failover that lost what was told.
      node.push(
        "dispatch",
        #"{"dispatchId":"1","approvalId":"a","sharedSessionId":"ss","prompt":"go","participant":{},"attempt":9}"#)
      node.approve("2", "go")
      await node.until(Fixture.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal.filter { $0 == "Hello there" }.count == 2, "each ran once")
    #expect(state.reports.first { $0.attempt == 9 }?.state == "started", "the node is told that it was begun")
  }

  @Test func aStartThatIsRefusedDoesNotReachTheAgent() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, _ in
      node.fail("/dispatches/1", .answer(409, code: "DISPATCH_CONFLICT"))
      node.approve("1", "go")
      node.approve("2", "go")
      await node.until(Fixture.isOver("2"))
    }
    #expect(node.state.withLock { $0.journal } == ["2 started", "Hello there", "plan", "2 completed"])
  }

  /// The report may have counted although its answer is lost: it is repeated, and the prompt runs once.
  @Test(arguments: [true, false])
  func reportsAreRepeatedUntilTheyAreAnswered(_ hasCounted: Bool) async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, _ in
      for _ in 0..<2 { node.fail("/dispatches/1", hasCounted ? .lostAfter : .lostBefore) }
      node.fail("/dispatches/1", .answer(503, code: "UNAVAILABLE"))
      node.approve("1", "go")
      await node.until(Fixture.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started", "Hello there", "plan", "1 completed"])
  }

  /// A lost node neither loses nor doubles what the agent has said.
  @Test func updatesArePublishedOnce() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, _ in
      node.fail("/notifications", .lostAfter)
      node.fail("/notifications", .lostBefore)
      node.fail("/notifications", .answer(500, code: "INTERNAL"))
      node.fail("/notifications", .lostAfter)
      node.approve("1", "many")
      await node.until(Fixture.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started"] + (0..<100).map { "k\($0)" } + ["1 completed"])
  }

  @Test func aTurnGoesOnWhileItsConnectionIsLost() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, _ in
      node.approve("1", "wait")
      await node.until { $0.journal.contains("waiting") }
      node.loseStreams()
      await node.until { $0.attachments == 2 }
      node.push("cancel", #"{"dispatchId":"1"}"#)
      await node.until(Fixture.isOver("1"))
      node.approve("2", "go")
      await node.until(Fixture.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal.prefix(3) == ["1 started", "waiting", "1 completed"])
    #expect(state.reports.contains(.init(id: "1", state: "completed", attempt: 1, detail: "cancelled")))
    #expect(state.reports.contains(.init(id: "2", state: "started", attempt: 2)))
    #expect(state.bridgeIDs.count == 1)
  }

  /// Delivered under attempt 1 while another turn ran; the connection was lost, so only attempt 2 counts.
  @Test func aStaleAttemptIsReplaced() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, _ in
      node.approve("1", "wait")
      await node.until { $0.journal.contains("waiting") }
      node.approve("2", "go")
      node.loseStreams()
      await node.until { $0.attachments == 2 }
      node.push("cancel", #"{"dispatchId":"1"}"#)
      await node.until(Fixture.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal.filter { $0.hasPrefix("2 ") } == ["2 started", "2 completed"])
    #expect(state.reports.filter { $0.id == "2" && $0.state == "started" }.map(\.attempt) == [2])
  }

  @Test func anotherNodeIsTakenWhenOneIsGone() async throws {
    let node = FakeNode()
    // Nothing listens on the first; the second does.
    try await Fixture.share(node, moreServers: ["http://127.0.0.1:9"]) { _, _ in
      node.approve("1", "go")
      await node.until(Fixture.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started", "Hello there", "plan", "1 completed"])
  }

  @Test func anAgentThatCrashesFailsItsPromptAndIsStartedForTheNext() async throws {
    let node = FakeNode()
    try await Fixture.share(node) { _, _ in
      node.approve("1", "crash")
      node.approve("2", "go")
      await node.until(Fixture.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(
      state.journal == [
        "1 started", "dying", "1 failed", "2 started", "_tandem/agent", "Hello there", "plan", "2 completed",
      ])
    #expect(state.reports.first { $0.state == "failed" }?.detail == "The agent exited with status 3.")
  }

  @Test func anAgentThatDoesNotStopIsEnded() async throws {
    let node = FakeNode()
    try await Fixture.share(node) {
      $0.cancelTimeout = .milliseconds(50)
    } _: { _, _ in
      node.approve("1", "deaf")
      await node.until { $0.journal.contains("deaf") }
      node.push("cancel", #"{"dispatchId":"1"}"#)
      await node.until(Fixture.isOver("1"))
      node.approve("2", "go")
      await node.until(Fixture.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal.prefix(3) == ["1 started", "deaf", "1 failed"])
    #expect(state.dispatchStates["2"] == "completed")
  }

  @Test(arguments: [(BridgeConfiguration.Permissions.allow, "yes"), (.reject, "no")])
  func permissionsThatNobodyIsAskedFor(_ permissions: BridgeConfiguration.Permissions, _ said: String) async throws {
    let node = FakeNode()
    try await Fixture.share(node) {
      $0.permissions = permissions
    } _: { _, _ in
      node.approve("1", "ask")
      await node.until(Fixture.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started", said, "1 completed"])
    #expect(node.state.withLock { $0.permissions }.isEmpty)
  }

  @Test func hiddenKindsAreNotPublished() async throws {
    let node = FakeNode()
    try await Fixture.share(node) {
      $0.filter = UpdateFilter(hiding: ["plans"])
    } _: { _, _ in
      node.approve("1", "go")
      await node.until(Fixture.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started", "Hello there", "1 completed"])
  }
}
