import AgentClientProtocol
import AsyncHTTPClient
import JSONText
import Testing

@testable import AgentBridge

private typealias Fixture = HostBridgeFixture

/// What is asked where nothing is carried through a session.
@Suite(.timeLimit(.minutes(1)))
struct PermissionDeskTests {
  private static let maximumOpen = 8

  private func request(_ key: Int = 1) throws -> AgentPermissionRequest {
    let params = try JSONText(
      validating:
        #"{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[{"optionId":"yes","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}]}"#
    )
    return try #require(AgentPermissionRequest(key: key, params: params))
  }

  /// A bridge's permissions whose node is never called, because nothing runs them.
  private func session(_ observer: Fixture.Recorder, _ http: HTTPClient) -> SessionPermissions {
    let client = NodeClient(servers: ["http://127.0.0.1:9"], apiKey: nil, http: http, logger: Fixture.silence)
    let shared = SharedSession(
      server: "", id: "ss", inviteToken: "", hostSessionID: "hs", hostParticipantID: "hp", hostAccessToken: "at")
    return SessionPermissions(
      api: HostAPI(client: client), host: .init(id: "hs", token: "ht"), session: shared, interval: .seconds(1),
      maximumOpen: Self.maximumOpen, observer: observer)
  }

  @Test(arguments: [true, false]) func outsideOfATurnOnlyTheTerminalIsAsked(_ hasTerminal: Bool) async throws {
    let terminal = hasTerminal ? Fixture.Terminal() : nil
    terminal?.choose("yes")
    let observer = Fixture.Recorder(terminal: terminal)
    let outcome = try await HTTPClient.withHTTPClient { http in
      let desk = PermissionDesk(
        session: session(observer, http), observer: observer, logger: Fixture.silence, runningDispatch: { nil })
      return await desk.ask(try request())
    }
    #expect(outcome == .selected(optionID: hasTerminal ? "yes" : "no"))
  }

  @Test func oneQuestionTooManyIsRefusedAtOnce() async throws {
    let observer = Fixture.Recorder()
    let dispatch = Dispatch(id: "d", approvalID: "a", sharedSessionID: "ss", prompt: "p", attempt: 1)
    let outcome = try await HTTPClient.withHTTPClient { http in
      let session = session(observer, http)
      for key in 0..<Self.maximumOpen { _ = session.ask(try request(key), in: dispatch) }
      let desk = PermissionDesk(
        session: session, observer: observer, logger: Fixture.silence, runningDispatch: { dispatch })
      return await desk.ask(try request(Self.maximumOpen))
    }
    #expect(outcome == .selected(optionID: "no"))
  }

  @Test func framesAreReadAndWhatIsNoneIsNot() throws {
    func frame(_ payload: String) throws -> DispatchMessage? {
      DispatchMessage(try JSONText(validating: #"{"type":"permission","payload":\#(payload)}"#))
    }
    let whole =
      #"{"approvalId":"p","dispatchId":"d","status":"rejected","optionId":"no","reason":"r","resolvedByName":"Eve"}"#
    #expect(
      try frame(whole)
        == .permission(
          PermissionNotice(approvalID: "p", status: "rejected", optionID: "no", reason: "r", resolver: "Eve")))
    #expect(
      try frame(#"{"approvalId":"p","status":"pending"}"#)
        == .permission(PermissionNotice(approvalID: "p", status: "pending")))
    #expect(try frame(#"{"status":"pending"}"#) == nil)
  }
}
