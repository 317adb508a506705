import EventStreaming
import HTTPGateway
import TestSupport
import Testing

/// What a graceful shutdown looks like from outside.
@Suite struct DrainTests {
  @Test func streamsEndInOrderWithAPauseAndTheListenerGoesAway() async throws {
    try await withGateway({ $0.drainWindow = .milliseconds(100) }) { gateway in
      let scenario = try await Scenario(gateway)
      let streams = [try await scenario.stream(), try await scenario.stream()]
      await gateway.shutDown()
      for stream in streams {
        try await stream.expect("0\r\n\r\n")
        #expect(stream.received.components(of: "retry: ") == 2)
        try await stream.expectEnd()
      }
      try await eventually("nobody listens") { (try? await RawConnection.open(port: gateway.port)) == nil }
    }
  }

  @Test func readinessTurnsRedWhileStreamsEnd() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      // Many streams, so that the last of them is open for a while.
      var streams: [RawConnection] = []
      for _ in 0..<20 { streams.append(try await scenario.stream()) }
      #expect(try await gateway.call("GET", "/health/ready").status == 200)
      await gateway.shutDown()
      let reply = try await eventually("a red answer") {
        let reply = try? await gateway.call("GET", "/health/ready")
        return reply?.status == 503 ? reply : nil
      }
      #expect(reply.headers["connection"] == "close")
      #expect(reply.headers["retry-after"] != nil)
      let refused = try? await scenario.call("GET", "/stream")
      #expect(refused.map { $0.status == 503 } ?? true)
      for stream in streams { try await stream.expectEnd() }
    }
  }

  @Test func aBridgeLearnsHowFarItsUploadCame() async throws {
    try await withGateway({ $0.drainWindow = .milliseconds(100) }) { gateway in
      let scenario = try await Scenario(gateway)
      let stream = try await scenario.stream()
      let upload = try await RawConnection.open(port: gateway.port)
      var headers = scenario.hostHeader
      headers["Content-Type"] = "application/x-ndjson"
      headers["Transfer-Encoding"] = "chunked"
      try await upload.send(
        GatewayFixture.request("POST", "/api/host-sessions/\(scenario.hostSessionID)/notifications", headers: headers))
      try await upload.send("a\r\n{\"line\":1}\r\n1\r\n\n\r\n")
      try await stream.expect(#"{"line":1}"#)
      await gateway.shutDown()
      let reply = try await upload.reply()
      #expect(reply.status == 202)
      #expect(reply.body == #"{"accepted":1}"#)
      #expect(reply.headers["connection"] == "close")
      try await upload.expectEnd()
    }
  }

  @Test func aConnectionThatDoesNotEndIsCutOffAtTheDeadline() async throws {
    try await withGateway({ $0.drainTimeout = .milliseconds(300) }) { gateway in
      let half = try await RawConnection.open(port: gateway.port)
      try await half.send(
        GatewayFixture.request("POST", "/api/host-sessions", "{", headers: ["Content-Length": "100"]))
      #expect(try await gateway.call("GET", "/version").status == 200)
      await gateway.shutDown()
      try await half.expectEnd()
    }
  }
}
