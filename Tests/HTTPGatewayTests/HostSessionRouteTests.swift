import HTTPGateway
import JSONText
import TestSupport
import Testing

/// Where agents attach: dispatches down, reports and notifications up.
@Suite struct HostSessionRouteTests {
  /// A bridge's connection on which it reads its dispatches.
  private func attach(_ scenario: Scenario) async throws -> RawConnection {
    let bridge = try await RawConnection.open(port: scenario.gateway.port)
    try await bridge.send(
      GatewayFixture.request(
        "GET", "/api/host-sessions/\(scenario.hostSessionID)/dispatches?bridgeId=bridge-1", headers: scenario.hostHeader
      ))
    try await bridge.expect(#""type":"attached""#)
    return bridge
  }

  @Test func anApprovedPromptIsDispatchedAndItsReportsAreToldToEverybody() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let (bridge, stream) = (try await attach(scenario), try await scenario.stream())
      let guest = try await scenario.join()
      let proposed = try await scenario.call("POST", "/prompts", #"{"prompt":"do it"}"#, as: guest)
      #expect(try proposed.text("status") == "pending")
      let approvalID = try proposed.text("approval", "id")
      let refused = try await scenario.call("POST", "/approvals/\(approvalID)", #"{"action":"maybe"}"#)
      #expect(try refused.errorCode == "INVALID_ACTION")
      let approved = try await scenario.call("POST", "/approvals/\(approvalID)", #"{"action":"approve"}"#)
      #expect(try approved.text("approval", "status") == "approved")

      try await bridge.expect(#""type":"dispatch""#)
      let frame = try #require(bridge.received.split(separator: "data: ").last { $0.contains(#""type":"dispatch""#) })
      let dispatch = try JSONText(validating: String(frame.prefix { $0 != "\n" }))["payload"]
      let dispatchID = try #require(dispatch?["dispatchId"]?.string)
      let attempt = try #require(dispatch?["attempt"]?.integer)
      #expect(dispatch?["prompt"]?.string == "do it")
      for (state, event) in [("started", "prompt_dispatch_started"), ("completed", "prompt_dispatch_completed")] {
        let report = try await gateway.call(
          "POST", "/api/host-sessions/\(scenario.hostSessionID)/dispatches/\(dispatchID)",
          #"{"state":"\#(state)","attempt":\#(attempt),"stopReason":"end_turn"}"#, headers: scenario.hostHeader)
        #expect(report.status == 200)
        try await stream.expect(event)
      }
      let late = try await gateway.call(
        "POST", "/api/host-sessions/\(scenario.hostSessionID)/dispatches/\(dispatchID)",
        #"{"state":"failed","attempt":\#(attempt)}"#, headers: scenario.hostHeader)
      #expect(try late.errorCode == "DISPATCH_CONFLICT")
    }
  }

  @Test func anAttachmentEndsWhenTheBridgeGoesAway() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let bridge = try await attach(scenario)
      try await bridge.closeOutput()
      try await bridge.expectEnd()
      // A newer attachment ends an older one in order.
      let (second, third) = (try await attach(scenario), try await attach(scenario))
      try await second.expect("0\r\n\r\n")
      #expect(!third.hasEnded)
    }
  }

  @Test func theHostTokenIsNeededAndChecked() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let path = "/api/host-sessions/\(scenario.hostSessionID)"
      for route in ["/dispatches", ""] {
        let method = route.isEmpty ? "DELETE" : "GET"
        #expect(try await gateway.call(method, path + route).errorCode == "MISSING_CREDENTIALS")
        let wrong = try await gateway.call(method, path + route, headers: ["Authorization": "Bearer wrong"])
        #expect(try wrong.errorCode == "INVALID_HOST_TOKEN")
        let unknown = try await gateway.call(
          method, "/api/host-sessions/nobody" + route, headers: ["Authorization": "Bearer wrong"])
        #expect(try unknown.errorCode == "HOST_SESSION_NOT_FOUND")
      }
    }
  }

  @Test func notificationsKeepEveryByteAndTheirOrder() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let stream = try await scenario.stream()
      let exact = #"{"a":1.0,"big":12345678901234567890,"u":"\u00e9\/","sp" :  [ 1 ,2 ],"empty":{}}"#
      let reply = try await gateway.call(
        "POST", "/api/host-sessions/\(scenario.hostSessionID)/notifications",
        "{\"notifications\": [\(exact), {\"n\":\n 2}]}", headers: scenario.hostHeader)
      #expect(reply.status == 202)
      #expect(reply.body == #"{"accepted":2}"#)
      try await stream.expect(#"{"notification":\#(exact)}"#)
      try await stream.expect(#"{"notification":{"n":2}}"#)
    }
  }

  @Test(arguments: [
    #"{"notifications":7}"#, "{}", #"{"notifications":["text"]}"#, "[]", #"{"notifications":[{"a":1},]}"#,
  ])
  func whatIsNoListOfObjectsIsRefused(body: String) async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let reply = try await gateway.call(
        "POST", "/api/host-sessions/\(scenario.hostSessionID)/notifications", body, headers: scenario.hostHeader)
      #expect(try reply.errorCode == "INVALID_BODY")
    }
  }

  /// The head of an upload that stays open.
  private func upload(_ scenario: Scenario) async throws -> RawConnection {
    let connection = try await RawConnection.open(port: scenario.gateway.port)
    var headers = scenario.hostHeader
    headers["Content-Type"] = "application/x-ndjson"
    headers["Transfer-Encoding"] = "chunked"
    try await connection.send(
      GatewayFixture.request("POST", "/api/host-sessions/\(scenario.hostSessionID)/notifications", headers: headers))
    return connection
  }

  private func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

  @Test func aLongLivedBodyDeliversEachLineWhileItIsOpen() async throws {
    try await withGateway({ $0.bodyTimeout = .milliseconds(50) }) { gateway in
      let scenario = try await Scenario(gateway)
      let (stream, upload) = (try await scenario.stream(), try await upload(scenario))
      for number in 0..<20 {
        // A piece rarely ends where a line does.
        let line = "{\"line\":\(number)}\r\n"
        let cut = line.index(line.startIndex, offsetBy: 1 + number % (line.count - 1))
        try await upload.send(chunk(String(line[..<cut])) + chunk(String(line[cut...])))
        try await stream.expect("{\"line\":\(number)}")
      }
      #expect(upload.received.isEmpty)
      try await upload.send(chunk("\n{\"last\":true}") + "0\r\n\r\n")
      let reply = try await upload.reply()
      #expect(reply.status == 202)
      #expect(reply.body == #"{"accepted":21}"#)
    }
  }

  @Test func aBrokenLineIsNamedAndThoseBeforeItCount() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let (stream, upload) = (try await scenario.stream(), try await upload(scenario))
      try await upload.send(chunk("{\"good\":1}\n"))
      try await stream.expect(#"{"good":1}"#)
      try await upload.send(chunk("{\"bad\"\n"))
      let reply = try await upload.reply()
      #expect(try reply.errorCode == "INVALID_BODY")
      #expect(try reply.text("error").hasPrefix("Line 2: "))
    }
  }

  @Test func aLineThatNeverEndsIsRefusedAndWhatCameBeforeItCounts() async throws {
    try await withGateway({ ($0.bodyTimeout, $0.lineTimeout) = (.milliseconds(50), .milliseconds(300)) }) { gateway in
      let scenario = try await Scenario(gateway)
      let (stream, upload) = (try await scenario.stream(), try await upload(scenario))
      try await upload.send(chunk("{\"good\":1}\n{"))
      try await stream.expect(#"{"good":1}"#)
      let reply = try await upload.reply()
      #expect(reply.status == 408)
      #expect(try reply.errorCode == "REQUEST_TIMEOUT")
      #expect(reply.headers["connection"] == "close")
      try await upload.expectEnd()
    }
  }

  @Test func aLineIsBounded() async throws {
    try await withGateway({ $0.notificationBytes = 1_000 }) { gateway in
      let scenario = try await Scenario(gateway)
      let upload = try await upload(scenario)
      for _ in 0..<3 { try await upload.send(chunk(String(repeating: "x", count: 500))) }
      #expect(try await upload.reply().errorCode == "BODY_TOO_LARGE")
    }
  }
}
