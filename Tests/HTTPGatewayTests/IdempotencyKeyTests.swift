import HTTPTypes
import TestSupport
import Testing

@testable import HTTPGateway

/// Idempotency keys: whoever knows one of an answer with tokens gets the tokens, so such keys must not be guessable.
@Suite struct IdempotencyKeyTests {
  @Test func exactlyTheRoutesThatAnswerTokensWantLongKeys() async throws {
    try await withGateway { gateway in
      let routes = gateway.routes.filter(\.answersTokens).map { "\($0.method.rawValue) \($0.path)" }
      #expect(
        Set(routes) == [
          "POST /api/host-sessions", "POST /api/shared-sessions", "POST /api/shared-sessions/{id}/join",
          "POST /api/shared-sessions/{id}/invite", "POST /api/shared-sessions/{id}/invites",
          "POST /api/shared-sessions/{id}/stream-tickets",
        ])
      for route in gateway.routes {
        #expect(route.keyCharacters == (route.answersTokens ? 22...64 : 1...64), "\(route.path)")
      }
    }
  }

  @Test func aGuessableKeyIsRefusedWhereTheAnswerHoldsTokens() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      // In this order: the invite is replaced after somebody has joined with it.
      let bodies = [
        ("/api/host-sessions", #"{"userId":"u"}"#),
        ("/api/shared-sessions", #"{"hostSessionId":"\#(scenario.hostSessionID)","hostUserId":"u"}"#),
        ("\(scenario.path)/join", #"{"inviteToken":"\#(scenario.invite)","userId":"u"}"#),
        ("\(scenario.path)/invite", "{}"), ("\(scenario.path)/invites", "{}"),
        ("\(scenario.path)/stream-tickets", "{}"),
      ]
      for (path, body) in bodies {
        let who = path.hasSuffix("s") && path.hasPrefix("/api/shared-sessions/") || path.hasSuffix("invite")
        func send(_ key: String) async throws -> HTTPReply {
          try await gateway.call(
            "POST", path, body, headers: (who ? scenario.host.header : [:]).merging(["Idempotency-Key": key]) { $1 })
        }
        for key in ["1", String(repeating: "k", count: 21), String(repeating: "k", count: 65)] {
          let reply = try await send(key)
          #expect(reply.status == 400, "\(path) \(key)")
          #expect(try reply.errorCode == "INVALID_FIELD")
          #expect(reply.body.contains("22 to 64"))
        }
        for key in [String(repeating: "k", count: 22), String(repeating: "k", count: 64)] {
          #expect(try await send(key).status < 300, "\(path) \(key)")
        }
      }
    }
  }

  @Test func elsewhereAShortKeyIsFine() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      for (path, body) in [("/messages", #"{"text":"x"}"#), ("/prompts", #"{"prompt":"x"}"#)] {
        func send(_ key: String) async throws -> HTTPReply {
          try await gateway.call(
            "POST", scenario.path + path, body, headers: scenario.host.header.merging(["Idempotency-Key": key]) { $1 })
        }
        let first = try await send("1")
        #expect(first.status == 200)
        #expect(try await send("1").body == first.body)
        #expect(try await send("").errorCode == "INVALID_FIELD")
        #expect(try await send(String(repeating: "k", count: 65)).errorCode == "INVALID_FIELD")
      }
    }
  }
}
