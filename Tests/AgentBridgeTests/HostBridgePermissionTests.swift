import Basics
import JSONText
import Synchronization
import Testing

@testable import AgentBridge

private typealias Fixture = HostBridgeFixture

/// The agent asks in the middle of a turn: a real agent process against a fake node.
@Suite(.timeLimit(.minutes(1)))
struct HostBridgePermissionTests {
  private static let asked: @Sendable (FakeNode.State) -> Bool = { $0.permissions.contains { $0.status == "pending" } }

  /// Runs one prompt that asks, lets the body answer it, and gives what the agent got.
  private func ask(
    _ node: FakeNode, terminal: Fixture.Terminal? = nil, interval: Duration = .seconds(3_600), prompt: String = "ask",
    filter: UpdateFilter = UpdateFilter(),
    _ body: @escaping @Sendable (FakeNode, Fixture.Recorder) async -> Void
  ) async throws -> String? {
    try await Fixture.share(node, terminal: terminal) {
      $0.permissionInterval = interval
      $0.filter = filter
    } _: { _, recorder in
      node.approve("1", prompt)
      await body(node, recorder)
      await node.until(Fixture.isOver("1"))
    }
    return node.state.withLock { $0.journal.first { !$0.hasPrefix("1 ") } }
  }

  @Test func aQuestionIsAnsweredInTheSession() async throws {
    let node = FakeNode()
    let said = try await ask(node) { node, _ in
      await node.until(Self.asked)
      node.answer("p1", "yes")
    }
    #expect(said == "yes")
    let body = try #require(node.state.withLock { $0.permissions.first?.body })
    #expect(body["dispatchId"]?.string == "1")
    #expect(body["toolCall"]?["toolCallId"]?.string == "c")
    // An agent that names no names: the id stands for it.
    #expect(body["options"]?.elements.map { $0["name"]?.string } == ["yes", "no"])
  }

  /// The frame is lost: the bridge asks by itself, slowly while it is attached and at once when it attaches again.
  @Test(arguments: [true, false])
  func anAnswerWhoseFrameIsLostIsFound(_ attachesAgain: Bool) async throws {
    let node = FakeNode()
    let said = try await ask(node, interval: attachesAgain ? .seconds(3_600) : .milliseconds(20)) { node, _ in
      await node.until { $0.calls.contains("GET /api/host-sessions/hs/permissions/p1") }
      node.answer("p1", "no", tells: false)
      if attachesAgain { node.loseStreams() }
    }
    #expect(said == "no")
  }

  @Test func aQuestionIsAskedOnceHoweverOftenItsCallIsLost() async throws {
    let node = FakeNode()
    for fault in [FakeNode.Fault.lostBefore, .lostAfter, .answer(503, code: "UNAVAILABLE"), .lostAfter] {
      node.fail("/permissions", fault)
    }
    node.fail("/permissions/p1", .lostBefore)
    let said = try await ask(node) { node, _ in
      await node.until(Self.asked)
      node.answer("p1", "yes")
    }
    #expect(said == "yes")
    #expect(node.state.withLock { $0.permissions.count } == 1)
  }

  @Test func theTerminalIsAskedTooAndItsAnswerIsTheHosts() async throws {
    let (node, terminal) = (FakeNode(), Fixture.Terminal())
    node.fail("/approvals/p1", .lostAfter)
    let said = try await ask(node, terminal: terminal) { node, _ in
      await node.until(Self.asked)
      await terminal.isAsked.wait()
      terminal.choose("no")
    }
    #expect(said == "no")
    #expect(node.state.withLock { $0.permissions.first?.resolver } == "Host")
  }

  @Test func whatWasAnsweredElsewhereIsTakenBackInTheTerminal() async throws {
    let (node, terminal) = (FakeNode(), Fixture.Terminal())
    let said = try await ask(node, terminal: terminal) { node, recorder in
      await node.until(Self.asked)
      await terminal.isAsked.wait()
      node.answer("p1", "yes")
      await terminal.isTakenBack.wait()
      #expect(recorder.settlements.withLock { $0 } == [.answered(option: "yes", by: "Eve")])
    }
    #expect(said == "yes")
  }

  /// Both answer; whichever the node took counts, and that is what the agent gets.
  @Test func theAgentGetsTheAnswerThatTheNodeTook() async throws {
    let (node, terminal) = (FakeNode(), Fixture.Terminal())
    let said = try await ask(node, terminal: terminal) { node, recorder in
      await node.until(Self.asked)
      await terminal.isAsked.wait()
      node.answer("p1", "yes", tells: false)
      terminal.choose("no")
      await node.until(Fixture.isOver("1"))
      #expect(recorder.settlements.withLock { $0 } == [.answered(option: "yes", by: "Eve")])
    }
    #expect(said == "yes")
  }

  /// The host has handed its role over: its terminal no longer decides, others do.
  @Test func anAnswerThatIsRefusedLeavesTheQuestionToOthers() async throws {
    let (node, terminal) = (FakeNode(), Fixture.Terminal())
    node.fail("/approvals/p1", .answer(403, code: "HOST_REQUIRED"))
    let said = try await ask(node, terminal: terminal) { node, recorder in
      await node.until(Self.asked)
      terminal.choose("no")
      await recorder.hasSettled.wait()
      node.answer("p1", "yes")
      await node.until(Fixture.isOver("1"))
      guard case .refused(let reason)? = recorder.settlements.withLock({ $0.first }) else {
        Issue.record("the host was not told")
        return
      }
      #expect(reason.contains("HOST_REQUIRED"))
    }
    #expect(said == "yes")
  }

  @Test func cancellingTheTurnCancelsTheQuestionAndTakesItBack() async throws {
    let node = FakeNode()
    let said = try await ask(node) { node, _ in
      await node.until(Self.asked)
      node.push("cancel", #"{"dispatchId":"1"}"#)
      await node.until { $0.permissions.first?.status == "withdrawn" }
    }
    #expect(said == "cancelled")
    #expect(node.state.withLock { $0.reports.last?.detail } == "cancelled")
  }

  /// It was never heard whether the node took the question: it is found by asking again, and then withdrawn.
  @Test func aQuestionTakenBackWhileNoNodeAnswersIsTakenBackLater() async throws {
    let node = FakeNode()
    node.fail("/permissions", .lostAfter)
    let said = try await ask(node, prompt: "twice") { node, _ in
      await node.until { $0.permissions.first?.status == "withdrawn" || $0.permissions.isEmpty && Self.isDone($0) }
    }
    #expect(said == "cancelled")
    #expect(!node.state.withLock { Self.asked($0) })
  }

  private static func isDone(_ state: FakeNode.State) -> Bool { Fixture.isOver("1")(state) }

  @Test func aSessionThatEndsRefusesWhatIsAsked() async throws {
    let node = FakeNode()
    let said = try await ask(node) { node, _ in
      await node.until(Self.asked)
      node.withdraw("p1", reason: "session_closed")
    }
    #expect(said == "no")
    let other = FakeNode()
    other.fail("/permissions", .answer(409, code: "SESSION_INACTIVE"))
    #expect(try await ask(other) { _, _ in } == "no")
  }

  @Test func aTurnThatIsOverForTheNodeIsCancelled() async throws {
    let node = FakeNode()
    let said = try await ask(node) { node, _ in
      await node.until(Self.asked)
      node.withdraw("p1", reason: "turn_failed")
      node.push("cancel", #"{"dispatchId":"1"}"#)
    }
    #expect(said == "cancelled")
  }

  /// What no node takes as it is, is asked with less; what is refused for another reason is left to the terminal.
  @Test func aLargeToolCallIsAskedWithoutItsLargeParts() async throws {
    let node = FakeNode()
    node.fail("/permissions", .answer(400, code: "INVALID_FIELD"))
    let said = try await ask(node, prompt: "huge") { node, _ in
      await node.until(Self.asked)
      node.answer("p1", "yes")
    }
    #expect(said == "asked")
    let toolCall = try #require(node.state.withLock { $0.permissions.first?.body["toolCall"] })
    #expect(toolCall["title"]?.string == "big")
    #expect(toolCall["kind"]?.string == "edit")
    // What is left of the input is its beginning, and how much is missing is said.
    let beginning = String(repeating: "0", count: 2_048)
    #expect(toolCall["rawInput"]?.string == "\(beginning)… (2952 bytes are cut)")
    #expect("\(try #require(toolCall["_meta"]))" == #"{"tandem":{"cut":[{"field":"rawInput","bytes":2928}]}}"#)
  }

  /// Approvers see what the agent has said of its tool call before, unless the host keeps the agent's tool calls.
  @Test(arguments: [false, true])
  func aToolCallThatIsOnlyNamedIsAskedWithWhatIsKnownOfIt(_ isHidden: Bool) async throws {
    let node = FakeNode()
    _ = try await ask(node, prompt: "named", filter: UpdateFilter(hiding: isHidden ? ["tools"] : [])) { node, _ in
      await node.until(Self.asked)
      node.answer("p1", "yes")
    }
    let toolCall = try #require(node.state.withLock { $0.permissions.first?.body["toolCall"] })
    let whole = #"{"toolCallId":"c","title":"Run","rawInput":{"command":"rm"}}"#
    let kept =
      #"{"toolCallId":"c","_meta":{"tandem":{"cut":[{"field":"title","bytes":5},{"field":"rawInput","bytes":16}]}}}"#
    #expect("\(toolCall)" == (isHidden ? kept : whole))
  }

  @Test(arguments: [true, false])
  func whatTheSessionDoesNotTakeIsLeftToTheTerminal(_ hasTerminal: Bool) async throws {
    let (node, terminal) = (FakeNode(), Fixture.Terminal())
    node.fail("/permissions", .answer(409, code: "APPROVAL_LIMIT"))
    let said = try await ask(node, terminal: hasTerminal ? terminal : nil) { node, _ in
      guard hasTerminal else { return }
      await terminal.isAsked.wait()
      terminal.choose("yes")
    }
    #expect(said == (hasTerminal ? "yes" : "no"))
  }
}
