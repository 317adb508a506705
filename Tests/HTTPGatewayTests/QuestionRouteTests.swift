import JSONText
import SharedSessions
import TestSupport
import Testing

@testable import HTTPGateway

/// The agent's questions, from the bridge's and from the people's side.
@Suite struct QuestionRouteTests {
  private static let schema =
    #"{"type":"object","properties":{"name":{"type":"string","title":"Name"}},"required":["name"]}"#

  private func ask(_ scenario: Scenario, _ body: String, key: String? = nil) async throws -> HTTPReply {
    try await host(scenario, "POST", "", body, key: key)
  }

  private func host(
    _ scenario: Scenario, _ method: String, _ route: String, _ body: String? = nil, key: String? = nil
  ) async throws -> HTTPReply {
    var headers = scenario.hostHeader
    headers["Idempotency-Key"] = key
    return try await scenario.gateway.call(
      method, "/api/host-sessions/\(scenario.hostSessionID)/questions" + route, body, headers: headers)
  }

  @Test func aQuestionIsAskedAnsweredAndReadByTheBridge() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let stream = try await scenario.stream()
      let body = #"{"message":"Which name?","schema":\#(Self.schema)}"#
      let asked = try await ask(scenario, body, key: "one")
      #expect(asked.status == 201)
      #expect(try await ask(scenario, body, key: "one").body == asked.body)
      #expect(asked.body.contains(#""question":{"schema":\#(Self.schema)}"#))
      let id = try asked.text("approval", "id")
      try await stream.expect(#""type":"question_requested""#)
      #expect(try await host(scenario, "GET", "/\(id)").body == asked.body)
      let unfit = try await scenario.call("POST", "/approvals/\(id)", #"{"action":"approve","answer":{"name":7}}"#)
      #expect(unfit.status == 400)
      #expect(try unfit.errorCode == "INVALID_ANSWER")
      #expect(try unfit.text("error") == "'name' must be a text.")
      let answered = try await scenario.call("POST", "/approvals/\(id)", #"{"action":"approve","answer":{"name":"x"}}"#)
      #expect(try answered.text("approval", "answer", "name") == "x")
      try await stream.expect(#""type":"question_resolved""#)
      #expect(try await host(scenario, "GET", "/\(id)").text("resolvedByName") == "host")
      #expect(try await host(scenario, "DELETE", "/\(id)").errorCode == "APPROVAL_ALREADY_RESOLVED")
      let other = try await ask(scenario, #"{"message":"Sign in?","url":"https://Example.com/x"}"#)
      #expect(try other.text("approval", "question", "host") == "example.com")
      let second = try other.text("approval", "id")
      #expect(try await host(scenario, "DELETE", "/\(second)").text("approval", "status") == "withdrawn")
      try await stream.expect(#""reason":"agent_withdrew""#)
    }
  }

  @Test(arguments: [
    ("{}", "INVALID_BODY"), (#"{"message":"x"}"#, "INVALID_BODY"), (#"{"message":"x","schema":[]}"#, "INVALID_BODY"),
    (#"{"message":"x","schema":{},"url":"https://a/"}"#, "INVALID_BODY"),
    (#"{"message":" ","schema":{}}"#, "INVALID_FIELD"),
    (#"{"message":"x","schema":{"properties":{"a":{"type":"object"}}}}"#, "INVALID_FIELD"),
    (#"{"message":"x","url":"javascript:alert(1)"}"#, "INVALID_FIELD"), (#"{"message":7,"schema":{}}"#, "INVALID_BODY"),
    (#"{"message":"x","schema":{},"dispatchId":"a b"}"#, "INVALID_FIELD"),
    (#"{"message":"x","schema":{}}"#, "MISSING_CREDENTIALS"),
  ])
  func whatIsNoQuestionIsRefusedByItsForm(_ body: String, _ code: String) async throws {
    try await withGateway { gateway in
      let reply = try await gateway.call("POST", "/api/host-sessions/nobody/questions", body)
      #expect(try reply.errorCode == code)
    }
  }

  @Test func everythingOfAQuestionIsBounded() async throws {
    try await withGateway({ $0.fieldRules.question = 2_000 }, settings: Self.settings) { gateway in
      let scenario = try await Scenario(gateway)
      let long = String(repeating: "x", count: 2_001)
      let fields = (0..<20).map { #""f\#($0)":{"type":"boolean","description":"\#(long.prefix(200))"}"# }
      for body in [
        #"{"message":"\#(long)","schema":{}}"#, #"{"message":"x","url":"https://a/\#(long + long)"}"#,
        #"{"message":"x","schema":{"properties":{\#(fields.joined(separator: ","))}}}"#,
      ] {
        #expect(try await ask(scenario, body).errorCode == "INVALID_FIELD")
      }
      let id = try await ask(scenario, #"{"message":"x","schema":\#(Self.schema)}"#).text("approval", "id")
      let answer = #"{"action":"approve","answer":{"name":"\#(long)"}}"#
      #expect(try await scenario.call("POST", "/approvals/\(id)", answer).errorCode == "INVALID_FIELD")
      #expect(try await ask(scenario, #"{"message":"x","schema":{}}"#).errorCode == "APPROVAL_LIMIT")
    }
  }

  private static var settings: SharedSessionSettings {
    var settings = SharedSessionSettings()
    settings.maximumPendingPermissions = 1
    return settings
  }
}
