import SharedSessions
import TestSupport
import Testing

@testable import HTTPGateway

/// What is sent as credentials and is none: a client's mistake must not look like a stranger's success.
@Suite struct CredentialFormTests {
  static let unreadable = [
    "Bearer", "Bearer ", "Basic eDp5", "Bearer no-dot", "Bearer .", "Bearer a.", "Bearer .b", "bearer", "x", "",
  ]

  @Test func aReadWithUnreadableCredentialsIsNotAnsweredAsAStrangers() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      for path in ["", "/participants", "/messages", "/queue", "/export"] {
        #expect(try await gateway.call("GET", scenario.path + path).status == 200, "none at all are fine")
        for authorization in Self.unreadable {
          let reply = try await gateway.call("GET", scenario.path + path, headers: ["Authorization": authorization])
          #expect(reply.status == 400, "\(path) '\(authorization)'")
          #expect(try reply.errorCode == "MISSING_CREDENTIALS")
        }
        let half = try await gateway.call("GET", scenario.path + path, #"{"participantId":"x"}"#)
        #expect(try half.errorCode == "MISSING_CREDENTIALS")
        let whole = #"{"participantId":"\#(scenario.host.id)","participantToken":"\#(scenario.host.token)"}"#
        #expect(try await gateway.call("GET", scenario.path + path, whole).status == 200)
      }
    }
  }

  @Test func whoeverJoinsSharesOrRegistersWithUnreadableCredentialsIsTold() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let join = #"{"inviteToken":"\#(scenario.invite)","userId":"u"}"#
      let joined = try await gateway.call("POST", scenario.path + "/join", join, headers: ["Authorization": "Bearer x"])
      #expect(try joined.errorCode == "MISSING_CREDENTIALS")
      for (path, body) in [
        ("/api/host-sessions", #"{"userId":"u"}"#),
        ("/api/shared-sessions", #"{"hostSessionId":"\#(scenario.hostSessionID)","hostUserId":"u"}"#),
      ] {
        for authorization in ["Bearer", "Basic eDp5", ""] {
          let reply = try await gateway.call("POST", path, body, headers: ["Authorization": authorization])
          #expect(try reply.errorCode == "MISSING_CREDENTIALS", "\(path) '\(authorization)'")
        }
      }
    }
  }

  @Test func aStreamTakesTheFirstThatCanBeReadAndSaysWhenNoneCan() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let path = scenario.path + "/stream"
      for query in ["", "?participantId=x", "?participantToken=x", "?participantId=&participantToken=x"] {
        for authorization in Self.unreadable {
          let reply = try await gateway.call("GET", path + query, headers: ["Authorization": authorization])
          #expect(try reply.errorCode == "MISSING_CREDENTIALS", "\(query) '\(authorization)'")
        }
      }
      let wrong = try await gateway.call("GET", "\(path)?participantId=\(scenario.host.id)&participantToken=x")
      #expect(try wrong.errorCode == "INVALID_PARTICIPANT_TOKEN")
    }
  }

  private static func share(_ gateway: GatewayFixture, _ sharing: String, _ headers: [String: String] = [:])
    async throws -> String
  {
    let made = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"u"\#(sharing)}"#, headers: headers)
    let id = try made.text("hostSession", "id")
    let shared = try await gateway.call(
      "POST", "/api/shared-sessions", #"{"hostSessionId":"\#(id)","hostUserId":"u"}"#, headers: headers)
    return shared.status == 201 ? "shared" : try shared.errorCode
  }

  @Test func aHostSessionIsSharedByWhomItWasRegisteredFor() async throws {
    try await withGateway { gateway in
      #expect(try await Self.share(gateway, "") == "shared", "as in the original API")
      #expect(try await Self.share(gateway, #","sharing":"anyone""#) == "shared")
      #expect(try await Self.share(gateway, #","sharing":"token""#) == "HOST_TOKEN_REQUIRED")
      let wrong = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"u","sharing":"nobody"}"#)
      #expect(try wrong.errorCode == "INVALID_FIELD")
    }
    // SHA-256 of "key".
    let entry = try #require(
      APIKeys.Entry("k:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"))
    try await withGateway({ ($0.access, $0.apiKeys) = (.keyed, APIKeys([entry])) }) { gateway in
      let key = ["X-API-Key": "key"]
      let outcome = try await Self.share(gateway, #","sharing":"anyone""#, key)
      #expect(outcome == "HOST_TOKEN_REQUIRED")
    }
  }
}
