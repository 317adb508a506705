import HTTPGateway
import TestSupport
import Testing

/// What a peer may do to a connection, byte by byte: every refusal is an error body, and nothing is held for ever.
@Suite struct HostileConnectionTests {
  /// Bytes, and how they are refused. A value.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: String
    let status: Int
    let code: String

    init(_ name: String, _ bytes: String, _ status: Int, _ code: String) {
      (testDescription, self.bytes, self.status, self.code) = (name, bytes, status, code)
    }
  }

  private static let long = String(repeating: "a", count: 17_000)

  static let refusals = [
    Refusal("TLS", "\u{16}\u{3}\u{1}\r\n\r\n", 400, "MALFORMED_REQUEST"),
    Refusal("a bare word", "HELLO\r\n\r\n", 400, "MALFORMED_REQUEST"),
    Refusal("a bad version", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400, "MALFORMED_REQUEST"),
    Refusal(
      "a space in a name", "GET /version HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n", 400, "MALFORMED_REQUEST"),
    Refusal(
      "a negative length", "POST /api/host-sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400,
      "MALFORMED_REQUEST"),
    Refusal(
      "two lengths",
      "POST /api/host-sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400,
      "MALFORMED_REQUEST"),
    Refusal(
      "a broken chunk",
      "POST /api/host-sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
      400, "MALFORMED_REQUEST"),
    Refusal("a long URI", "GET /\(long.prefix(5_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "URI_TOO_LONG"),
    Refusal("an endless URI", "GET /\(long)\(long) HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "URI_TOO_LONG"),
    Refusal("a long header", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: \(long)\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    Refusal(
      "many headers",
      "GET / HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "X-A: \(long.prefix(100))\r\n", count: 200))\r\n", 431,
      "HEADERS_TOO_LARGE"),
    Refusal(
      "a huge declared body",
      "POST /api/host-sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n",
      413,
      "BODY_TOO_LARGE"),
    Refusal("no such path", "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "NOT_FOUND"),
    Refusal(
      "a wrong method", "PUT /api/shared-sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405,
      "METHOD_NOT_ALLOWED"),
    Refusal(
      "a broken query", "GET /api/shared-sessions?limit=%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "INVALID_QUERY"),
    Refusal(
      "braces in an id", "GET /api/shared-sessions/%7Bx%7D HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "INVALID_FIELD"),
  ]

  @Test(arguments: refusals)
  func aRefusalIsAnErrorBody(refusal: Refusal) async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(refusal.bytes)
      let reply = try await connection.reply()
      #expect(reply.status == refusal.status)
      #expect(try reply.errorCode == refusal.code)
      #expect(try await gateway.call("GET", "/version").status == 200)
    }
  }

  @Test func aWrongMethodNamesTheRightOnes() async throws {
    try await withGateway { gateway in
      let reply = try await gateway.call("PUT", "/api/shared-sessions")
      #expect(reply.headers["allow"] == "GET, POST, HEAD, OPTIONS")
      let options = try await gateway.call("OPTIONS", "/api/shared-sessions")
      #expect(options.status == 204)
      #expect(options.headers["allow"] == "GET, POST, HEAD, OPTIONS")
      #expect(options.headers["access-control-allow-origin"] == nil)
    }
  }

  @Test func aHeadRequestGetsTheHeadOfTheAnswerOnly() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(GatewayFixture.request("HEAD", "/version"))
      try await connection.send(GatewayFixture.request("GET", "/health/live"))
      try await connection.expect(#"{"status":"live"}"#)
      #expect(!connection.received.contains("0.0.1-test"))
      #expect(connection.received.components(of: "HTTP/1.1 200") == 2)
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrderAlsoWhenTheLastOneIsBroken() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      let paths = ["/version", "/nothing", "/health/live", "/api/shared-sessions?status=wrong"]
      try await connection.send(paths.map { GatewayFixture.request("GET", $0) }.joined() + "BROKEN\r\n\r\n")
      try await connection.expectEnd()
      let statuses = connection.received.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
      #expect(statuses == ["200", "404", "200", "400", "400"])
      #expect(connection.received.contains("MALFORMED_REQUEST"))
    }
  }

  @Test func aRefusedBodyLeavesTheConnectionInStep() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      let body = #"{"userId":""# + String(repeating: "x", count: 300_000) + #""}"#
      try await connection.send(GatewayFixture.request("POST", "/api/host-sessions", body))
      try await connection.send(GatewayFixture.request("GET", "/version"))
      try await connection.expect("0.0.1-test")
      #expect(connection.received.contains("HTTP/1.1 413"))
      #expect(connection.received.contains("BODY_TOO_LARGE"))
    }
  }

  @Test func aBodyInChunksHasTheSameLimit() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(
        GatewayFixture.request(
          "POST", "/api/host-sessions",
          headers: ["Content-Type": "application/json", "Transfer-Encoding": "chunked"]))
      for _ in 0..<8 { try await connection.send("10000\r\n\(String(repeating: "x", count: 0x10000))\r\n") }
      try await connection.send("0\r\n\r\n")
      #expect(try await connection.reply().errorCode == "BODY_TOO_LARGE")
    }
  }

  @Test func aClientThatWaitsForPermissionToSendItsBodyGetsIt() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(
        GatewayFixture.request(
          "POST", "/api/host-sessions",
          headers: ["Content-Type": "application/json", "Content-Length": "14", "Expect": "100-continue"]))
      try await connection.expect("HTTP/1.1 100 Continue\r\n\r\n")
      try await connection.send(#"{"userId":"o"}"#)
      try await connection.expect("HTTP/1.1 201")
    }
  }

  @Test func aHeadThatNeverEndsIsAnsweredAndClosed() async throws {
    try await withGateway({ $0.headTimeout = .milliseconds(200) }) { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send("GET /version HTTP/1.1\r\nHost")
      let reply = try await connection.reply()
      #expect(reply.status == 408)
      #expect(try reply.errorCode == "REQUEST_TIMEOUT")
      try await connection.expectEnd()
    }
  }

  @Test func aBodyThatNeverEndsIsAnsweredAndClosed() async throws {
    try await withGateway({ $0.bodyTimeout = .milliseconds(200) }) { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(
        GatewayFixture.request("POST", "/api/host-sessions", "{", headers: ["Content-Length": "100"]))
      let reply = try await connection.reply()
      #expect(reply.status == 408)
      #expect(try reply.errorCode == "REQUEST_TIMEOUT")
      try await connection.expectEnd()
    }
  }

  @Test func aBodyOfLinesIsOnlyWaitedForWhereLinesAreTaken() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(
        GatewayFixture.request(
          "POST", "/api/host-sessions", "{", headers: ["Content-Length": "100", "Content-Type": "application/x-ndjson"])
      )
      #expect(try await connection.reply().errorCode == "UNSUPPORTED_MEDIA_TYPE")
    }
  }

  @Test func connectionsBeyondTheLimitWaitUntilOneCloses() async throws {
    try await withGateway({ $0.connections = 2 }) { gateway in
      var open: [RawConnection] = []
      for _ in 0..<2 {
        let connection = try await RawConnection.open(port: gateway.port)
        try await connection.send(GatewayFixture.request("GET", "/version"))
        try await connection.expect("0.0.1-test")
        open.append(connection)
      }
      let waiting = try await RawConnection.open(port: gateway.port)
      try await waiting.send(GatewayFixture.request("GET", "/version"))
      for round in 2...20 {
        try await open[1].send(GatewayFixture.request("GET", "/version"))
        try await open[1].expect("0.0.1-test", times: round)
      }
      #expect(waiting.received.isEmpty)
      try await open[0].close()
      try await waiting.expect("0.0.1-test")
    }
  }

  @Test func anIdleConnectionIsClosed() async throws {
    try await withGateway({ $0.idleTimeout = .milliseconds(200) }) { gateway in
      let fresh = try await RawConnection.open(port: gateway.port)
      // A busy machine may need longer than the time-out to send the request at all.
      let used = try await eventually("a connection that was used in time") {
        let used = try await RawConnection.open(port: gateway.port)
        try? await used.send(GatewayFixture.request("GET", "/version"))
        try await eventually("an answer or the end") { used.hasEnded || used.received.contains("0.0.1-test") }
        return used.received.contains("0.0.1-test") ? used : nil
      }
      try await fresh.expectEnd()
      try await used.expectEnd()
      #expect(fresh.received.isEmpty)
    }
  }

  @Test func aClientThatHasClosedItsHalfStillGetsItsAnswer() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(GatewayFixture.request("GET", "/version"))
      try await connection.closeOutput()
      try await connection.expect("0.0.1-test")
      try await connection.expectEnd()
    }
  }

  @Test func aBodyThatIsCutOffIsNoBody() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(
        GatewayFixture.request("POST", "/api/host-sessions", #"{"userId":"o"}"#, headers: ["Content-Length": "100"]))
      try await connection.closeOutput()
      #expect(try await connection.reply().errorCode == "MALFORMED_REQUEST")
      try await connection.expectEnd()
    }
  }

  @Test func anHTTP10ClientGetsAnAnswerWithoutChunksAndTheEndOfTheConnection() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(
        "GET \(scenario.path)/export HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer \(scenario.host.id).\(scenario.host.token)\r\n\r\n"
      )
      try await connection.expectEnd()
      #expect(connection.received.hasPrefix("HTTP/1.0 200"))
      #expect(!connection.received.lowercased().contains("transfer-encoding"))
      let body = connection.received.split(separator: "\r\n\r\n", maxSplits: 1)[1]
      #expect(body.hasPrefix(#"{"type":"shared_session_created""#))
      #expect(body.hasSuffix("}\n"))
    }
  }
}
