import TestSupport
import Testing

@testable import HTTPGateway

/// What each API key is for: one that was given to a program for one purpose must not open everything.
@Suite struct KeyScopeTests {
  /// The SHA-256 of keys that are called as their scopes.
  private static let digests = [
    "create": "fa8847b0c33183273f5945508b31c3208a9e4ece58ca47233a05628d8dba3799",
    "read": "3316348dbadfb7b11c7c2ea235949419e23f9fa898ad2c198f999617912a9925",
    "admin": "8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918",
    "all": "5ef5ef0364b6939c4ca61f34b393f7b368d1be8619647aaf83d5b395919ab629",
    "both": "ff7772053abf7d817d6eec229a09e14f0d1552f1cb0aeedb2ac73784ac2d2e39",
  ]

  private static let digest = digests["read"] ?? ""

  private func withKeys(
    _ access: AccessPolicy = .keyed, _ configure: @escaping @Sendable (inout GatewayConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (GatewayFixture) async throws -> Void
  ) async throws {
    let entries = Self.digests.compactMap { name, digest in
      let scopes = ["all": "", "both": ":create+read"][name] ?? ":\(name)"
      return APIKeys.Entry("\(name):\(digest)\(scopes)")
    }
    #expect(entries.count == 5)
    try await withGateway(
      {
        ($0.access, $0.apiKeys) = (access, APIKeys(entries))
        configure(&$0)
      }, body)
  }

  private static func key(_ name: String) -> [String: String] { ["X-API-Key": name] }

  @Test func aScopeIsReadOnlyInItsOwnForm() throws {
    func scopes(_ text: String) -> Set<APIKeyScope>? { APIKeys.Entry("ci:\(Self.digest)\(text)")?.scopes }
    #expect(scopes("") == [.create, .read, .admin], "a key without scopes is of before there were any")
    #expect(scopes(":read") == [.read])
    #expect(scopes(":create+read") == [.create, .read])
    #expect(scopes(":admin") == [.admin])
    for wrong in [":", ":write", ":Read", ":read+", ":+read", ":read,create", ":read create", ":read:create", ":*"] {
      #expect(scopes(wrong) == nil, "\(wrong)")
    }
  }

  @Test func aKeyDoesWhatItIsForAndNothingElse() async throws {
    try await withKeys { gateway in
      let made = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"u"}"#, headers: Self.key("create"))
      let hostSessionID = try made.text("hostSession", "id")
      let host = ["Authorization": "Bearer \(try made.text("hostToken"))"]
      let body = #"{"hostSessionId":"\#(hostSessionID)","hostUserId":"u"}"#
      let shared = try await gateway.call(
        "POST", "/api/shared-sessions", body, headers: host.merging(Self.key("create")) { $1 })
      let path = "/api/shared-sessions/\(try shared.text("session", "id"))"
      let reads = [
        "/api/shared-sessions", path, "\(path)/participants", "\(path)/messages", "\(path)/queue", "\(path)/export",
        "/api/host-sessions/\(hostSessionID)",
      ]
      for read in reads {
        for key in ["read", "admin", "all", "both"] {
          #expect(try await gateway.call("GET", read, headers: Self.key(key)).status == 200, "\(key) \(read)")
        }
        let refused = try await gateway.call("GET", read, headers: Self.key("create"))
        #expect(refused.status == 403, "\(read)")
        #expect(try refused.errorCode == "INVALID_API_KEY")
        #expect(refused.body.contains("'read'"), "it says what is missing")
      }
      for key in ["create", "admin", "all", "both"] {
        let registered = try await gateway.call(
          "POST", "/api/host-sessions", #"{"userId":"u"}"#, headers: Self.key(key))
        #expect(registered.status == 201, "\(key)")
      }
      for (route, content) in [("/api/host-sessions", #"{"userId":"u"}"#), ("/api/shared-sessions", body)] {
        let refused = try await gateway.call("POST", route, content, headers: host.merging(Self.key("read")) { $1 })
        #expect(try refused.errorCode == "INVALID_API_KEY")
        #expect(refused.body.contains("'create'"))
      }
    }
  }

  @Test func aKeyThatMayNotReadDoesNotKeepAParticipantFromReading() async throws {
    try await withKeys { gateway in
      let made = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"u"}"#, headers: Self.key("create"))
      let host = ["Authorization": "Bearer \(try made.text("hostToken"))", "X-API-Key": "create"]
      let shared = try await gateway.call(
        "POST", "/api/shared-sessions",
        #"{"hostSessionId":"\#(try made.text("hostSession", "id"))","hostUserId":"u"}"#, headers: host)
      let path = "/api/shared-sessions/\(try shared.text("session", "id"))"
      let bearer = "\(try shared.text("hostParticipant", "id")).\(try shared.text("hostParticipant", "accessToken"))"
      let reply = try await gateway.call(
        "GET", path, headers: ["Authorization": "Bearer \(bearer)", "X-API-Key": "create"])
      #expect(reply.status == 200)
      let unknown = try await gateway.call(
        "GET", path, headers: ["Authorization": "Bearer \(bearer)", "X-API-Key": "unknown"])
      #expect(try unknown.errorCode == "INVALID_API_KEY")
    }
  }

  @Test func aHostSessionIsNotReadByWhoeverKnowsItsId() async throws {
    try await withKeys { gateway in
      let made = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"u"}"#, headers: Self.key("create"))
      let path = "/api/host-sessions/\(try made.text("hostSession", "id"))"
      let none = try await gateway.call("GET", path)
      #expect(none.status == 401)
      #expect(try none.errorCode == "API_KEY_REQUIRED")
      func read(_ authorization: String) async throws -> HTTPReply {
        try await gateway.call("GET", path, headers: ["Authorization": authorization])
      }
      #expect(try await read("Bearer \(try made.text("hostToken"))").status == 200)
      #expect(try await read("Bearer wrong").errorCode == "INVALID_HOST_TOKEN")
      #expect(try await read("Basic eDp5").errorCode == "MISSING_CREDENTIALS")
      let both = try await gateway.call(
        "GET", path, headers: ["Authorization": "Bearer wrong", "X-API-Key": "read"])
      #expect(try both.errorCode == "INVALID_HOST_TOKEN", "what is wrong is refused, whatever else is right")
    }
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let path = "/api/host-sessions/\(scenario.hostSessionID)"
      #expect(try await gateway.call("GET", path).status == 200)
      let wrong = try await gateway.call("GET", path, headers: ["Authorization": "Bearer wrong"])
      #expect(try wrong.errorCode == "INVALID_HOST_TOKEN")
    }
  }

  @Test func aWrongKeyIsRefusedAlsoWhereNoneIsNeeded() async throws {
    try await withKeys(.open) { gateway in
      let scenario = try await Scenario(gateway)
      let calls: [(String, String, String?)] = [
        ("GET", "/api/shared-sessions", nil), ("GET", scenario.path, nil), ("GET", "\(scenario.path)/export", nil),
        ("GET", "/api/host-sessions/\(scenario.hostSessionID)", nil), ("GET", "/metrics", nil),
        ("POST", "/api/host-sessions", #"{"userId":"u"}"#),
      ]
      for (method, path, body) in calls {
        let wrong = try await gateway.call(method, path, body, headers: Self.key("wrong"))
        #expect(wrong.status == 403, "\(path)")
        #expect(try wrong.errorCode == "INVALID_API_KEY")
        for right in ["create", "read"] {
          let reply = try await gateway.call(method, path, body, headers: Self.key(right))
          #expect(reply.status < 300, "\(right) \(path)")
        }
      }
    }
  }

  private static func expectMetrics(
    _ statuses: [Int], _ gateway: GatewayFixture, _ requests: [[String: String]]
  ) async throws {
    for (headers, status) in zip(requests, statuses) {
      let reply = try await gateway.call("GET", "/metrics", headers: headers)
      #expect(reply.status == status, "\(headers)")
    }
    #expect(statuses.count == requests.count)
  }

  @Test func metricsAreForThisMachineAndForKeysThatRead() async throws {
    for access in [AccessPolicy.open, .keyed] {
      try await withKeys(access) { gateway in
        let keys = ["", "read", "admin", "wrong"].map { $0.isEmpty ? [:] : Self.key($0) }
        try await Self.expectMetrics([200, 200, 200, 403], gateway, keys)
        let forwarded = [
          ["X-Forwarded-For": "203.0.113.9"], ["X-Forwarded-For": "127.0.0.1"], ["Forwarded": "for=127.0.0.1"],
          ["X-Real-IP": "127.0.0.1"], ["Via": "1.1 proxy"],
        ]
        try await Self.expectMetrics([401, 401, 401, 401, 401], gateway, forwarded)
        let through = ["read", "create"].map { Self.key($0).merging(forwarded[0]) { $1 } }
        try await Self.expectMetrics([200, 403], gateway, through)
      }
    }
    try await withKeys { gateway in
      let rebound = try await gateway.call("GET", "/metrics", headers: ["Host": "evil.example"])
      #expect(try rebound.errorCode == "API_KEY_REQUIRED", "a page that rebinds its name is on this machine, too")
    }
    let proxies = try [#require(AddressRange("127.0.0.0/8"))]
    try await withKeys(.open, { $0.trustedProxies = proxies }) { gateway in
      let headers = ["203.0.113.9", "127.0.0.1", "127.0.0.1, 203.0.113.9"].map { ["X-Forwarded-For": $0] }
      try await Self.expectMetrics([401, 200, 401], gateway, headers)
    }
    try await withKeys(.open, { $0.metricsAccess = .keyed }) { gateway in
      let headers = [[:], Self.key("read")]
      try await Self.expectMetrics([401, 200], gateway, headers)
    }
    try await withKeys(.keyed, { $0.metricsAccess = .open }) { gateway in
      let headers = [["X-Forwarded-For": "203.0.113.9"], Self.key("wrong")]
      try await Self.expectMetrics([200, 403], gateway, headers)
    }
  }
}
