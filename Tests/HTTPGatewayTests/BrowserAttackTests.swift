import HTTPTypes
import SharedSessions
import TestSupport
import Testing

@testable import HTTPGateway

/// What a page in somebody's browser can make of a node that this browser reaches, request by request.
@Suite struct BrowserAttackTests {
  private static let rebound = ["Host": "evil.example:8080", "Origin": "http://evil.example:8080"]
  private static let app = "https://app.example"

  private func expect(_ status: Int, _ gateway: GatewayFixture, _ path: String, host: String) async throws {
    let reply = try await gateway.call("GET", path, headers: ["Host": host])
    #expect(reply.status == status, "\(host)")
  }

  @Test func aReboundPageGetsNothingFromAnyRoute() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      for route in gateway.routes where !route.answersAnyHost {
        let path = route.path.replacing("{id}", with: scenario.sessionID).replacing(
          "{hid}", with: scenario.hostSessionID)
        let reply = try await gateway.call(
          route.method.rawValue, path, route.method == .get ? nil : "{}",
          headers: Self.rebound.merging(scenario.host.header) { $1 })
        #expect(reply.status == 421, "\(route.method) \(route.path)")
        #expect(try reply.errorCode == "HOST_NOT_ALLOWED")
        #expect(!reply.body.contains(scenario.sessionID))
      }
      for path in ["/nothing", "/api"] {
        #expect(try await gateway.call("GET", path, headers: Self.rebound).status == 421, "not even what there is not")
      }
      #expect(try await gateway.call("OPTIONS", "/api/shared-sessions", headers: Self.rebound).status == 421)
    }
  }

  @Test func whetherTheNodeIsWellMayBeAskedUnderAnyName() async throws {
    try await withGateway { gateway in
      for path in ["/health/live", "/health/ready"] {
        try await expect(200, gateway, path, host: "lb.example")
      }
      #expect(gateway.routes.filter(\.answersAnyHost).map(\.path) == ["/health/live", "/health/ready"])
    }
  }

  @Test func aReboundRequestIsRefusedBeforeItsBodyIsRead() async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(
        "POST /api/host-sessions HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n"
      )
      #expect(try await connection.reply().status == 421)
    }
  }

  @Test(arguments: [
    ("GET /version HTTP/1.1\r\n\r\n", 400),
    ("GET /version HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
    ("GET /version HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n", 400),
    ("GET /version HTTP/1.1\r\nHost:\r\n\r\n", 421),
    ("GET /version HTTP/1.0\r\n\r\n", 421),
    ("GET http://evil.example/version HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
    ("GET http://localhost@evil.example/version HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
    ("GET http://localhost/version HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200),
    ("GET http://127.0.0.1:8080/version?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    ("GET http://localhost/version HTTP/1.0\r\n\r\n", 200),
    ("GET /version HTTP/1.1\r\nHost: LOCALHOST:9\r\n\r\n", 200),
  ])
  func theHostThatCountsIsTheOneTheRequestIsFor(bytes: String, status: Int) async throws {
    try await withGateway { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(bytes)
      let reply = try await connection.reply()
      #expect(reply.status == status)
      if status == 400 { #expect(try reply.errorCode == "MALFORMED_REQUEST") }
    }
  }

  @Test func aListedHostIsAnsweredAndInKeyedAccessEveryHostIs() async throws {
    try await withGateway({ $0.hosts = ["node.example"] }) { gateway in
      try await expect(200, gateway, "/version", host: "node.example:8443")
      try await expect(421, gateway, "/version", host: "other.example")
    }
    try await withGateway({ $0.access = .keyed }) { gateway in
      try await expect(200, gateway, "/version", host: "other.example")
    }
  }

  @Test(arguments: [AccessPolicy.open, .keyed])
  func anotherSitesPageChangesNothing(access: AccessPolicy) async throws {
    try await withGateway({ $0.access = access }) { gateway in
      for headers in [["Origin": "https://evil.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"]] {
        // A form can send this without a preflight.
        let reply = try await gateway.call(
          "POST", "/api/host-sessions", #"{"userId":"u"}"#,
          headers: headers.merging(["Content-Type": "text/plain"]) { $1 })
        #expect(reply.status == 403)
        #expect(try reply.errorCode == "ORIGIN_NOT_ALLOWED")
        #expect(reply.headers["access-control-allow-origin"] == nil)
      }
      let page = try await gateway.call("GET", "/", headers: ["Sec-Fetch-Site": "cross-site"])
      #expect(page.status == 200, "a link leads to it")
    }
  }

  @Test func anotherSitesPageCannotUseCredentialsInAnAddress() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let pair = "participantId=\(scenario.host.id)&participantToken=\(scenario.host.token)"
      for path in [
        "\(scenario.path)/stream?\(pair)", "\(scenario.path)/stream?ticket=x", "\(scenario.path)/stream?%74icket=x",
        "/api/streams?session=\(scenario.sessionID),\(scenario.host.id).\(scenario.host.token)",
      ] {
        for headers in [["Origin": "https://evil.example"], ["Sec-Fetch-Site": "cross-site"]] {
          let reply = try await gateway.call("GET", path, headers: headers)
          #expect(try reply.errorCode == "ORIGIN_NOT_ALLOWED", "\(path)")
        }
      }
      for (name, value) in [
        ("Authorization", "Bearer x"), ("X-API-Key", "x"), ("Tandem-Sessions", "x,y"),
      ] {
        let reply = try await gateway.call(
          "GET", "/api/shared-sessions", headers: [name: value, "Origin": "https://evil.example"])
        #expect(try reply.errorCode == "ORIGIN_NOT_ALLOWED", "\(name)")
      }
    }
  }

  @Test func aPageOfTheNodeItselfIsNoOtherSite() async throws {
    try await withGateway { gateway in
      let own = ["Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"]
      let reply = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"u"}"#, headers: own)
      #expect(reply.status == 201)
      #expect(reply.headers["vary"] == nil)
    }
  }

  private func withListedPage(_ body: @escaping @Sendable (GatewayFixture) async throws -> Void) async throws {
    try await withGateway({ $0.corsOrigins = [Self.app] }, body)
  }

  @Test func aListedPageIsToldWhatItMaySend() async throws {
    try await withListedPage { gateway in
      let asking = ["Origin": Self.app, "Access-Control-Request-Method": "POST"]
      for path in ["/api/shared-sessions", "/api/streams", "/nothing"] {
        let reply = try await gateway.call("OPTIONS", path, headers: asking)
        #expect(reply.status == 204)
        #expect(reply.headers["access-control-allow-origin"] == Self.app)
        #expect(reply.headers["vary"] == "Origin")
        #expect(reply.headers["access-control-max-age"] == "600")
        #expect(reply.headers["access-control-allow-credentials"] == nil)
        let methods = reply.headers["access-control-allow-methods"] ?? ""
        for method in ["GET", "POST", "PATCH", "DELETE"] { #expect(methods.contains(method)) }
        let headers = reply.headers["access-control-allow-headers"] ?? ""
        for header in [
          "Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-API-Key", "Tandem-Sessions",
        ] { #expect(headers.contains(header)) }
      }
      let other = try await gateway.call(
        "OPTIONS", "/api/shared-sessions", headers: asking.merging(["Origin": "https://evil.example"]) { $1 })
      #expect(try other.errorCode == "ORIGIN_NOT_ALLOWED")
      #expect(other.headers["access-control-allow-origin"] == nil)
      #expect(other.headers["vary"] == "Origin")
    }
  }

  @Test func aListedPageReadsAnswersAndErrors() async throws {
    try await withListedPage { gateway in
      let page = ["Origin": Self.app, "Sec-Fetch-Site": "cross-site"]
      let made = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"u"}"#, headers: page)
      let missing = try await gateway.call("GET", "/nothing", headers: page)
      let wrong = try await gateway.call("POST", "/api/shared-sessions", "{", headers: page)
      for (reply, status) in [(made, 201), (missing, 404), (wrong, 400)] {
        #expect(reply.status == status)
        #expect(reply.headers["access-control-allow-origin"] == Self.app)
        #expect(reply.headers["access-control-expose-headers"] == "Allow, Retry-After, X-Request-Id")
        #expect(reply.headers["access-control-allow-credentials"] == nil)
        #expect(reply.headers["vary"] == "Origin")
      }
      let program = try await gateway.call("GET", "/version")
      #expect(program.headers["access-control-allow-origin"] == nil)
      #expect(program.headers["vary"] == "Origin", "a cache must not give this answer to the page")
    }
  }

  @Test func aListedPageReadsStreams() async throws {
    try await withListedPage { gateway in
      let scenario = try await Scenario(gateway)
      let session = "\(scenario.sessionID),\(scenario.host.id).\(scenario.host.token)"
      for (path, headers) in [
        ("\(scenario.path)/stream", scenario.host.header), ("/api/streams?session=\(session)", [:]),
        ("/api/host-sessions/\(scenario.hostSessionID)/dispatches", scenario.hostHeader),
      ] {
        let stream = try await RawConnection.open(port: gateway.port)
        try await stream.send(
          GatewayFixture.request("GET", path, headers: headers.merging(["Origin": Self.app]) { $1 }))
        try await stream.expect("retry: ")
        let head = stream.received.prefix { $0 != "{" }.lowercased()
        #expect(head.contains("access-control-allow-origin: \(Self.app)\r\n"))
        #expect(head.contains("vary: origin\r\n"))
        try await stream.close()
      }
    }
  }

  @Test func aListedPageStillNeedsANameOfThisMachine() async throws {
    try await withListedPage { gateway in
      let reply = try await gateway.call("GET", "/version", headers: ["Host": "evil.example", "Origin": Self.app])
      #expect(reply.status == 421)
      #expect(reply.headers["access-control-allow-origin"] == nil)
    }
  }
}
