import TestSupport
import Testing

/// Sharing control: further invites, delegates, handing over, the queue.
@Suite struct ControlRouteTests {
  @Test func aFurtherInviteGivesItsRoleAndEndsWhenItIsRevoked() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let made = try await scenario.call("POST", "/invites", #"{"role":"viewer","label":"audience","maxUses":5}"#)
      #expect(made.status == 201)
      let token = try made.text("inviteToken")
      let joined = try await gateway.call(
        "POST", scenario.path + "/join", #"{"inviteToken":"\#(token)","userId":"v","role":"collaborator"}"#)
      #expect(try joined.text("participant", "role") == "viewer")
      let listed = try await scenario.call("GET", "/invites")
      #expect(listed.body.contains("audience"))
      #expect(!listed.body.contains(token))
      #expect(try await scenario.call("DELETE", "/invites/\(try made.text("invite", "id"))").status == 200)
      let refused = try await gateway.call(
        "POST", scenario.path + "/join", #"{"inviteToken":"\#(token)","userId":"w"}"#)
      #expect(try refused.errorCode == "INVALID_INVITE_TOKEN")
    }
  }

  @Test func aFieldBeyondItsBoundsComesBeforeWhoTheCallerIs() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      for (method, path, body) in [
        ("PATCH", "", #"{"expiresInMinutes":100000}"#), ("PATCH", "", #"{"approvalTimeoutSeconds":99999999}"#),
        ("POST", "/invites", #"{"maxUses":0}"#), ("POST", "/invites", #"{"role":"host"}"#),
        ("POST", "/invites", #"{"expiresInMinutes":100000}"#), ("PATCH", "/participants/x", #"{"role":"host"}"#),
      ] {
        let reply = try await gateway.call(method, scenario.path + path, body)
        #expect(try reply.errorCode == "INVALID_FIELD", "\(method) \(path) \(body)")
      }
    }
  }

  @Test func aDelegateDecidesAndTheHostCanHandOver() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let (delegate, author) = (try await scenario.join("delegate"), try await scenario.join("author"))
      let nothing = try await scenario.call("PATCH", "/participants/\(delegate.id)", "{}")
      #expect(try nothing.errorCode == "INVALID_BODY")
      #expect(try await scenario.call("PATCH", "/participants/\(delegate.id)", #"{"canApprove":true}"#).status == 200)
      let proposed = try await scenario.call("POST", "/prompts", #"{"prompt":"do it"}"#, as: author)
      let approvalID = try proposed.text("approval", "id")
      let changed = try await scenario.call(
        "POST", "/approvals/\(approvalID)",
        #"{"action":"approve","promptHash":"\#(String(repeating: "0", count: 64))"}"#, as: delegate)
      #expect(try changed.errorCode == "PROMPT_CHANGED")
      let malformed = try await scenario.call(
        "POST", "/approvals/\(approvalID)", #"{"action":"approve","promptHash":"x"}"#, as: delegate)
      #expect(try malformed.errorCode == "INVALID_FIELD")
      let approved = try await scenario.call("POST", "/approvals/\(approvalID)", #"{"action":"approve"}"#, as: delegate)
      #expect(try approved.text("approval", "status") == "approved")
      #expect(try await scenario.call("GET", "/queue").body.contains(approvalID))
      #expect(try await scenario.call("DELETE", "/queue/\(approvalID)", as: author).status == 200)
      #expect(try await scenario.call("GET", "/queue").body == #"{"queue":[]}"#)

      let handed = try await scenario.call("POST", "/host", #"{"newHostParticipantId":"\#(delegate.id)"}"#)
      #expect(try handed.text("participant", "role") == "host")
      #expect(try await scenario.call("DELETE", "").errorCode == "HOST_REQUIRED")
      #expect(try await scenario.call("DELETE", "", as: delegate).status == 200)
    }
  }
}
