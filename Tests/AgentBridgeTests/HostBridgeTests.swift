import AgentClientProtocol
import AsyncHTTPClient
import JSONText
import Logging
import Synchronization
import Testing

@testable import AgentBridge

/// The whole bridge with a real agent process (a few lines of shell) against a fake node.
@Suite(.timeLimit(.minutes(1)))
struct HostBridgeTests {
  /// Notes what the host would see.
  private final class Recorder: HostObserver {
    let events = Mutex<[String]>([])
    let session = Mutex<SharedSession?>(nil)

    func sharing(_ session: SharedSession, _ control: HostControl) async {
      self.session.withLock { $0 = session }
    }

    func event(_ event: JSONText) async {
      events.withLock { $0.append(event["type"]?.string ?? "?") }
    }

    func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome? { nil }
  }

  /// Answers prompts by the words in them: `crash` leaves with status 3, `wait` waits to be cancelled, `ask` asks for
  /// permission and says what came back, `many` says a hundred things, `deaf` never ends; everything else is answered with two.
  private static let agent = #"""
    say() { printf '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"%s"}}}}\n' "$1"; }
    kind() { printf '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"%s"}}}\n' "$1"; }
    end() { printf '{"jsonrpc":"2.0","id":%s,"result":{"stopReason":"%s"}}\n' "$id" "$1"; }
    while read -r line; do
      id=${line#*\"id\":}; id=${id%%,*}
      case "$line" in
        *'"method":"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":1,"agentInfo":{"name":"shell"}}}\n' "$id";;
        *'"method":"session/new"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"sessionId":"s"}}\n' "$id";;
        *'"method":"session/prompt"'*crash*) say dying; exit 3;;
        *'"method":"session/prompt"'*wait*) say waiting; read -r line; end cancelled;;
        *'"method":"session/prompt"'*deaf*) say deaf; while read -r line; do :; done;;
        *'"method":"session/prompt"'*ask*)
          printf '{"jsonrpc":"2.0","id":"q","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[{"optionId":"yes","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}]}}\n'
          read -r line
          case "$line" in *'"optionId":"yes"'*) say yes;; *'"optionId":"no"'*) say no;; *) say nothing;; esac
          end end_turn;;
        *'"method":"session/prompt"'*many*) i=0; while [ $i -lt 100 ]; do kind "k$i"; i=$((i+1)); done; end end_turn;;
        *'"method":"session/prompt"'*) say Hello; say ' there'; kind plan; end end_turn;;
      esac
    done
    """#

  private static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func configuration(_ servers: [String]) -> BridgeConfiguration {
    var agent = AgentConfiguration(command: ["/bin/sh", "-c", Self.agent], workingDirectory: "/")
    agent.stopGrace = .milliseconds(500)
    return BridgeConfiguration(servers: servers, agent: agent, userID: "host")
  }

  /// Runs a bridge against the node until the body is done, then stops it.
  private func share(
    _ node: FakeNode, moreServers: [String] = [],
    _ change: @escaping @Sendable (inout BridgeConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (HostBridge, Recorder) async throws -> Void
  ) async throws {
    try await FakeNodeServer.serve(node) { base in
      var http = HTTPClient.Configuration()
      http.connectionPool.retryConnectionEstablishment = false
      try await HTTPClient.withHTTPClient(configuration: http) { http in
        var configuration = configuration(moreServers + [base])
        change(&configuration)
        let recorder = Recorder()
        let bridge = HostBridge(
          configuration: configuration, observer: recorder, http: http,
          logger: Self.silence)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await bridge.run() }
          group.addTask {
            try await body(bridge, recorder)
            bridge.stop()
          }
          // The first failure ends the wait of the others.
          while try await group.next() != nil {}
        }
      }
    }
  }

  private static func isOver(_ id: String) -> @Sendable (FakeNode.State) -> Bool {
    { ["completed", "failed"].contains($0.dispatchStates[id]) }
  }

  @Test func aPromptRunsBetweenItsReports() async throws {
    let node = FakeNode()
    try await share(node) { _, recorder in
      node.approve("1", "go")
      await node.until(Self.isOver("1"))
      #expect(recorder.session.withLock { $0?.inviteURL.hasSuffix("/s/ss#invite=it") } == true)
    }
    let state = node.state.withLock { $0 }
    // The two pieces of text are one, and everything lies between the reports.
    #expect(state.journal == ["1 started", "Hello there", "plan", "1 completed"])
    #expect(state.isSessionClosed && state.isHostDeleted)
    #expect(state.bridgeIDs.count == 1)
  }

  @Test func promptsRunOneAfterAnother() async throws {
    let node = FakeNode()
    node.approve("1", "go")
    node.approve("2", "many")
    node.approve("3", "go")
    try await share(node) { _, _ in await node.until(Self.isOver("3")) }
    let hello = ["Hello there", "plan"]
    #expect(
      node.state.withLock { $0.journal }
        == ["1 started"] + hello + ["1 completed", "2 started"] + (0..<100).map { "k\($0)" }
        + ["2 completed", "3 started"] + hello + ["3 completed"])
  }

  @Test func whatIsDeliveredAgainDoesNotRunAgain() async throws {
    let node = FakeNode()
    try await share(node) { _, _ in
      node.approve("1", "go")
      await node.until(Self.isOver("1"))
      // A node that has forgotten, which none should.
      node.push(
        "dispatch",
        #"{"dispatchId":"1","approvalId":"a","sharedSessionId":"ss","prompt":"go","participant":{},"attempt":9}"#)
      node.approve("2", "go")
      await node.until(Self.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal.filter { $0.hasSuffix("started") } == ["1 started", "2 started"])
    #expect(!state.reports.contains { $0.attempt == 9 })
  }

  @Test func aStartThatIsRefusedDoesNotReachTheAgent() async throws {
    let node = FakeNode()
    try await share(node) { _, _ in
      node.fail("/dispatches/1", .answer(409, code: "DISPATCH_CONFLICT"))
      node.approve("1", "go")
      node.approve("2", "go")
      await node.until(Self.isOver("2"))
    }
    #expect(node.state.withLock { $0.journal } == ["2 started", "Hello there", "plan", "2 completed"])
  }

  /// The report may have counted although its answer is lost: it is repeated, and the prompt runs once.
  @Test(arguments: [true, false])
  func reportsAreRepeatedUntilTheyAreAnswered(_ hasCounted: Bool) async throws {
    let node = FakeNode()
    try await share(node) { _, _ in
      for _ in 0..<2 { node.fail("/dispatches/1", hasCounted ? .lostAfter : .lostBefore) }
      node.fail("/dispatches/1", .answer(503, code: "UNAVAILABLE"))
      node.approve("1", "go")
      await node.until(Self.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started", "Hello there", "plan", "1 completed"])
  }

  /// A lost node neither loses nor doubles what the agent has said.
  @Test func updatesArePublishedOnce() async throws {
    let node = FakeNode()
    try await share(node) { _, _ in
      node.fail("/notifications", .lostAfter)
      node.fail("/notifications", .lostBefore)
      node.fail("/notifications", .answer(500, code: "INTERNAL"))
      node.fail("/notifications", .lostAfter)
      node.approve("1", "many")
      await node.until(Self.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started"] + (0..<100).map { "k\($0)" } + ["1 completed"])
  }

  @Test func aTurnGoesOnWhileItsConnectionIsLost() async throws {
    let node = FakeNode()
    try await share(node) { _, _ in
      node.approve("1", "wait")
      await node.until { $0.journal.contains("waiting") }
      node.loseStreams()
      await node.until { $0.attachments == 2 }
      node.push("cancel", #"{"dispatchId":"1"}"#)
      await node.until(Self.isOver("1"))
      node.approve("2", "go")
      await node.until(Self.isOver("2"))
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
    try await share(node) { _, _ in
      node.approve("1", "wait")
      await node.until { $0.journal.contains("waiting") }
      node.approve("2", "go")
      node.loseStreams()
      await node.until { $0.attachments == 2 }
      node.push("cancel", #"{"dispatchId":"1"}"#)
      await node.until(Self.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal.filter { $0.hasPrefix("2 ") } == ["2 started", "2 completed"])
    #expect(state.reports.filter { $0.id == "2" && $0.state == "started" }.map(\.attempt) == [2])
  }

  @Test func anotherNodeIsTakenWhenOneIsGone() async throws {
    let node = FakeNode()
    // Nothing listens on the first; the second does.
    try await share(node, moreServers: ["http://127.0.0.1:9"]) { _, _ in
      node.approve("1", "go")
      await node.until(Self.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started", "Hello there", "plan", "1 completed"])
  }

  @Test func anAgentThatCrashesFailsItsPromptAndIsStartedForTheNext() async throws {
    let node = FakeNode()
    try await share(node) { _, _ in
      node.approve("1", "crash")
      node.approve("2", "go")
      await node.until(Self.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal == ["1 started", "dying", "1 failed", "2 started", "Hello there", "plan", "2 completed"])
    #expect(state.reports.first { $0.state == "failed" }?.detail == "The agent exited with status 3.")
  }

  @Test func anAgentThatDoesNotStopIsEnded() async throws {
    let node = FakeNode()
    try await share(node) {
      $0.cancelTimeout = .milliseconds(50)
    } _: { _, _ in
      node.approve("1", "deaf")
      await node.until { $0.journal.contains("deaf") }
      node.push("cancel", #"{"dispatchId":"1"}"#)
      await node.until(Self.isOver("1"))
      node.approve("2", "go")
      await node.until(Self.isOver("2"))
    }
    let state = node.state.withLock { $0 }
    #expect(state.journal.prefix(3) == ["1 started", "deaf", "1 failed"])
    #expect(state.dispatchStates["2"] == "completed")
  }

  @Test(arguments: [(BridgeConfiguration.Permissions.ask, "no"), (.allow, "yes"), (.reject, "no")])
  func permissionsWithoutATerminal(_ permissions: BridgeConfiguration.Permissions, _ said: String) async throws {
    let node = FakeNode()
    try await share(node) {
      $0.permissions = permissions
    } _: { _, _ in
      node.approve("1", "ask")
      await node.until(Self.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started", said, "1 completed"])
  }

  @Test func hiddenKindsAreNotPublished() async throws {
    let node = FakeNode()
    try await share(node) {
      $0.filter = UpdateFilter(hiding: ["plans"])
    } _: { _, _ in
      node.approve("1", "go")
      await node.until(Self.isOver("1"))
    }
    #expect(node.state.withLock { $0.journal } == ["1 started", "Hello there", "1 completed"])
  }

  @Test func stoppingEndsTheTurnAndClosesEverything() async throws {
    let node = FakeNode()
    try await share(node) { _, recorder in
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
    try await share(node) {
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
        let recorder = Recorder()
        let bridge = HostBridge(
          configuration: configuration([base]), observer: recorder, http: http,
          logger: Self.silence)
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
      try await share(node) { _, _ in await node.until { $0.isHostDeleted } }
    } throws: { error in
      (error as? BridgeError)?.code == code
    }
  }

  @Test func anAgentThatCannotBeUsedSharesNothing() async {
    let node = FakeNode()
    await #expect {
      try await share(node) {
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
    try await share(node) {
      $0.agent.command = ["/bin/sh", "-c", "cat >/dev/null"]
    } _: { _, _ in
    }
    #expect(node.state.withLock { $0.calls }.isEmpty)
  }
}
