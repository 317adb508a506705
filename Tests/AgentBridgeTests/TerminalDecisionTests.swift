import AsyncHTTPClient
import JSONText
import Synchronization
import Testing

@testable import AgentBridge

private typealias Fixture = HostBridgeFixture

/// What a decision at the terminal sends to a node, and what it says when the node refuses.
@Suite(.timeLimit(.minutes(1)))
struct TerminalDecisionTests {
  /// The digest of "abc".
  private static let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

  /// Shows a proposal of "abc" as p1, lets the host type, and gives what was shown after it.
  private func type(_ lines: [String], on node: FakeNode) async throws -> [String] {
    let (shown, show) = AsyncStream<String>.makeStream()
    try await FakeNodeServer.serve(node) { base in
      try await HTTPClient.withHTTPClient { http in
        let session = SharedSession(
          server: base, id: "ss", inviteToken: "it", hostSessionID: "hs", hostParticipantID: "hp", hostAccessToken: "at"
        )
        let client = NodeClient(servers: [base], apiKey: nil, http: http, logger: Fixture.silence)
        let terminal = TerminalObserver(canAsk: true) { show.yield($0) }
        await terminal.sharing(session, HostControl(api: HostAPI(client: client), session: session))
        await terminal.event(
          try JSONText(
            validating:
              #"{"type":"prompt_pending_approval","payload":{"approval":{"id":"x","prompt":"abc"},"participant":{"userId":"e"}}}"#
          ))
        for line in lines { await terminal.typed(line) }
      }
    }
    show.finish()
    return await shown.reduce(into: []) { $0.append($1) }.dropFirst(2).map(\.self)
  }

  @Test func aDecisionIsBoundToTheTextThatWasShown() async throws {
    let node = FakeNode()
    #expect(try await type(["a p1"], on: node) == [])
    #expect(
      node.state.withLock { $0.decisions.map { "\($0)" } } == [#"{"action":"approve","promptHash":"\#(Self.hash)"}"#])
    #expect(node.state.withLock { $0.calls.last } == "POST /api/shared-sessions/ss/approvals/x")
  }

  /// An answer that was lost is asked for again under the same key, or it would look as if somebody had been faster.
  @Test func aDecisionIsRepeatedUnderOneKey() async throws {
    let node = FakeNode()
    node.fail("/approvals/x", .lostAfter)
    #expect(try await type(["r p1"], on: node) == [])
    let keys = node.state.withLock { $0.postKeys }
    #expect(keys.count == 2 && Set(keys).count == 1 && keys[0]?.count == 32)
  }

  @Test(
    arguments: [
      ("APPROVAL_ALREADY_RESOLVED", "was withdrawn, or decided on elsewhere"),
      ("APPROVAL_NOT_FOUND", "was withdrawn, or decided on elsewhere"),
      ("PROMPT_CHANGED", "is no longer the text that you were shown"),
    ])
  func anAnswerToWhatHasGoneSaysSo(_ code: String, _ how: String) async throws {
    let node = FakeNode()
    node.fail("/approvals/x", .answer(409, code: code))
    #expect(
      try await type(["a p1", "a p1"], on: node) == [
        "! p1 \(how). Your answer did nothing.\n", "  p1 \(how). Your line did nothing.\n",
      ])
    #expect(node.state.withLock { $0.decisions.isEmpty })
  }

  /// Whatever else is wrong, the proposal still waits and can be decided on.
  @Test func aDecisionThatIsRefusedCanBeMadeAgain() async throws {
    let node = FakeNode()
    node.fail("/approvals/x", .answer(403, code: "HOST_REQUIRED"))
    let shown = try await type(["a p1", "a p1"], on: node)
    #expect(shown == ["! p1 is not decided: The server refused (403 HOST_REQUIRED): refused\n"])
    #expect(node.state.withLock { $0.decisions.count } == 1)
  }
}
