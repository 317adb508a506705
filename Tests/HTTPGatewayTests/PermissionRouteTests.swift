import JSONText
import SharedSessions
import TestSupport
import Testing

@testable import HTTPGateway

/// The agent's permission requests, from the bridge's and from the people's side.
@Suite struct PermissionRouteTests {
  /// A scenario in the middle of a turn. A value.
  private struct Turn: Sendable {
    let scenario: Scenario
    let bridge: RawConnection
    let dispatchID: String
    static let options =
      #"[{"optionId":"yes","name":"Yes","kind":"allow_once"},{"optionId":"no","name":"No","kind":"reject_once"}]"#

    init(_ gateway: GatewayFixture) async throws {
      scenario = try await Scenario(gateway)
      bridge = try await RawConnection.open(port: gateway.port)
      try await bridge.send(
        GatewayFixture.request(
          "GET", "/api/host-sessions/\(scenario.hostSessionID)/dispatches", headers: scenario.hostHeader))
      try await bridge.expect(#""type":"attached""#)
      _ = try await scenario.call("POST", "/prompts", #"{"prompt":"go"}"#)
      try await bridge.expect(#""type":"dispatch""#)
      let frame = try #require(bridge.received.split(separator: "data: ").last { $0.contains(#""type":"dispatch""#) })
      let dispatch = try JSONText(validating: String(frame.prefix { $0 != "\n" }))["payload"]
      dispatchID = try #require(dispatch?["dispatchId"]?.string)
      _ = try await host("POST", "/dispatches/\(dispatchID)", #"{"state":"started","attempt":1}"#)
    }

    func host(_ method: String, _ route: String, _ body: String? = nil, key: String? = nil) async throws -> HTTPReply {
      var headers = scenario.hostHeader
      headers["Idempotency-Key"] = key
      return try await scenario.gateway.call(
        method, "/api/host-sessions/\(scenario.hostSessionID)" + route, body, headers: headers)
    }

    func ask(
      _ toolCall: String = #"{"toolCallId":"c","title":"Edit a file"}"#, options: String = options, key: String? = nil
    ) async throws -> HTTPReply {
      try await host(
        "POST", "/permissions", #"{"dispatchId":"\#(dispatchID)","toolCall":\#(toolCall),"options":\#(options)}"#,
        key: key)
    }
  }

  @Test func aRequestIsAskedAnsweredAndToldToTheBridge() async throws {
    try await withGateway { gateway in
      let turn = try await Turn(gateway)
      let stream = try await turn.scenario.stream()
      let toolCall = #"{"toolCallId":"c","title":"Edit a file","n":1.0,"sp" : [ 1 ,2 ]}"#
      let asked = try await turn.ask(toolCall, key: "one")
      #expect(asked.status == 201)
      #expect(try await turn.ask(toolCall, key: "one").body == asked.body)
      #expect(asked.body.contains(#""toolCall":\#(toolCall)"#))
      let id = try asked.text("approval", "id")
      #expect(try asked.text("approval", "prompt") == "Edit a file")
      try await stream.expect(#""type":"permission_requested""#)
      let waiting = try await turn.host("GET", "/permissions/\(id)")
      #expect(waiting.body == asked.body)
      let answered = try await turn.scenario.call("POST", "/approvals/\(id)", #"{"optionId":"no","reason":"later"}"#)
      #expect(try answered.text("approval", "status") == "rejected")
      try await stream.expect(#""type":"permission_resolved""#)
      try await turn.bridge.expect(#""optionId":"no","reason":"later","resolvedByName":"host""#)
      #expect(try await turn.host("GET", "/permissions/\(id)").text("resolvedByName") == "host")
      let late = try await turn.scenario.call("POST", "/approvals/\(id)", #"{"optionId":"yes"}"#)
      #expect(try late.errorCode == "APPROVAL_ALREADY_RESOLVED")
      #expect(try late.text("error").contains("rejected by host"))
    }
  }

  @Test func theBridgeTakesARequestBack() async throws {
    try await withGateway { gateway in
      let turn = try await Turn(gateway)
      let stream = try await turn.scenario.stream()
      let id = try await turn.ask().text("approval", "id")
      #expect(try await turn.host("DELETE", "/permissions/\(id)").text("approval", "status") == "withdrawn")
      try await stream.expect(#""reason":"agent_withdrew""#)
      #expect(try await turn.host("DELETE", "/permissions/\(id)").errorCode == "APPROVAL_ALREADY_RESOLVED")
      #expect(try await turn.host("GET", "/permissions/nobody").errorCode == "APPROVAL_NOT_FOUND")
    }
  }

  @Test(arguments: [
    ("{}", "INVALID_BODY"), (#"{"dispatchId":"x","toolCall":7,"options":[]}"#, "INVALID_BODY"),
    (#"{"dispatchId":"x","toolCall":{}}"#, "INVALID_BODY"),
    (#"{"dispatchId":"x","toolCall":{},"options":[]}"#, "INVALID_FIELD"),
    (#"{"dispatchId":"a b","toolCall":{},"options":[]}"#, "INVALID_FIELD"),
    (#"{"dispatchId":"x","toolCall":{},"options":[{"optionId":"a","kind":"allow_once"}]}"#, "INVALID_BODY"),
    (#"{"dispatchId":"x","toolCall":{},"options":["a"]}"#, "INVALID_BODY"),
    (#"{"dispatchId":"x","toolCall":{},"options":[{"optionId":"","name":"","kind":"allow_once"}]}"#, "INVALID_FIELD"),
    (#"{"dispatchId":"x","toolCall":{},"options":[{"optionId":"a","name":"","kind":""}]}"#, "INVALID_FIELD"),
  ])
  func whatIsNoRequestIsRefusedByItsForm(_ body: String, _ code: String) async throws {
    try await withGateway { gateway in
      // The form comes before everything else, credentials included.
      let reply = try await gateway.call("POST", "/api/host-sessions/nobody/permissions", body)
      #expect(try reply.errorCode == code)
    }
  }

  @Test func everythingOfARequestIsBounded() async throws {
    try await withGateway({ $0.fieldRules.toolCall = 2_000 }, settings: Self.settings) { gateway in
      let turn = try await Turn(gateway)
      let option = #"{"optionId":"a","name":"n","kind":"allow_once"}"#
      let many = (0...PermissionFields.options).map { #"{"optionId":"\#($0)","name":"n","kind":"k"}"# }
      let long = String(repeating: "é", count: 257)
      for options in [
        "[\(many.joined(separator: ","))]", "[\(option),\(option)]",
        #"[{"optionId":"\#(long)","name":"n","kind":"k"}]"#,
        #"[{"optionId":"a","name":"n","kind":"k","x":"\#(String(repeating: "x", count: 2_000))"}]"#,
      ] {
        let reply = try await turn.ask(options: options)
        #expect(try reply.errorCode == "INVALID_FIELD")
        #expect(try reply.text("error").contains("'options"))
      }
      let large = try await turn.ask(#"{"title":"\#(String(repeating: "x", count: 2_000))"}"#)
      #expect(try large.errorCode == "INVALID_FIELD")
      #expect(try large.text("error").hasPrefix("'toolCall' has"))
      let fits = try await turn.ask(#"{"title":"\#(String(repeating: "x", count: 1_000))"}"#)
      #expect(try fits.text("approval", "prompt") == String(repeating: "x", count: 500) + "…")
      #expect(try await turn.ask().errorCode == "APPROVAL_LIMIT")
    }
  }

  private static var settings: SharedSessionSettings {
    var settings = SharedSessionSettings()
    settings.maximumPendingPermissions = 1
    return settings
  }

  @Test func theHostTokenIsNeededAndChecked() async throws {
    try await withGateway { gateway in
      let turn = try await Turn(gateway)
      let path = "/api/host-sessions/\(turn.scenario.hostSessionID)/permissions"
      let body = #"{"dispatchId":"\#(turn.dispatchID)","toolCall":{},"options":\#(Turn.options)}"#
      let id = try await turn.ask().text("approval", "id")
      for (method, route, body) in [("POST", "", body), ("GET", "/\(id)", nil), ("DELETE", "/\(id)", nil)] {
        #expect(try await gateway.call(method, path + route, body).errorCode == "MISSING_CREDENTIALS")
        let wrong = try await gateway.call(method, path + route, body, headers: ["Authorization": "Bearer wrong"])
        #expect(try wrong.errorCode == "INVALID_HOST_TOKEN")
      }
    }
  }

  @Test func theFormOfADecisionIsCheckedFirst() async throws {
    try await withGateway { gateway in
      let path = "/api/shared-sessions/nobody/approvals/a"
      for (body, code) in [
        ("{}", "INVALID_BODY"), (#"{"action":"maybe"}"#, "INVALID_ACTION"),
        (#"{"action":"maybe","optionId":"x"}"#, "INVALID_ACTION"), (#"{"optionId":""}"#, "INVALID_FIELD"),
        (#"{"optionId":7}"#, "INVALID_BODY"), (#"{"optionId":"x"}"#, "MISSING_CREDENTIALS"),
      ] {
        let reply = try await gateway.call("POST", path, body)
        #expect(try reply.errorCode == code, "\(body)")
      }
    }
  }

  @Test func theSummaryIsTheTitleOrWhatThereIs() throws {
    for (toolCall, summary) in [
      (#"{"title":"Run it","toolCallId":"c"}"#, "Run it"), (#"{"title":" ","toolCallId":"c"}"#, "c"),
      ("{}", "a tool call"), (#"{"title":7}"#, "a tool call"), (#"{"title":"a\u0000b"}"#, "a\u{FFFD}b"),
    ] {
      #expect(PermissionFields.summary(of: try JSONText(validating: toolCall)) == summary)
    }
  }
}
