import SharedSessions
import Synchronization
import TestSupport
import Testing

@testable import HTTPGateway

/// Who may call what, and how often.
@Suite struct AccessTests {
  /// SHA-256 of "key".
  private static let digest = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"

  private func withKeyedGateway(_ body: @escaping @Sendable (GatewayFixture) async throws -> Void) async throws {
    let entry = try #require(APIKeys.Entry("test:\(Self.digest)"))
    try await withGateway(
      {
        $0.access = .keyed
        $0.apiKeys = APIKeys([entry])
      }, body)
  }

  private static let key = ["X-API-Key": "key"]

  @Test(arguments: [
    ("GET", "/api/shared-sessions", nil), ("POST", "/api/shared-sessions", #"{"hostSessionId":"h","hostUserId":"u"}"#),
    ("POST", "/api/host-sessions", #"{"userId":"u"}"#),
  ])
  func listCreateAndRegisterNeedAKey(method: String, path: String, body: String?) async throws {
    try await withKeyedGateway { gateway in
      let missing = try await gateway.call(method, path, body)
      #expect(missing.status == 401)
      #expect(try missing.errorCode == "API_KEY_REQUIRED")
      for wrong in ["wrong", "KEY", "test", Self.digest] {
        let reply = try await gateway.call(method, path, body, headers: ["X-API-Key": wrong])
        #expect(reply.status == 403)
        #expect(try reply.errorCode == "INVALID_API_KEY")
      }
    }
  }

  @Test func readsNeedAKeyOrAParticipantAndCreatingTheHostToken() async throws {
    try await withKeyedGateway { gateway in
      let registered = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"u"}"#, headers: Self.key)
      let hostSessionID = try registered.text("hostSession", "id")
      let body = #"{"hostSessionId":"\#(hostSessionID)","hostUserId":"u"}"#
      let refused = try await gateway.call("POST", "/api/shared-sessions", body, headers: Self.key)
      #expect(try refused.errorCode == "HOST_TOKEN_REQUIRED")
      let bearer = ["Authorization": "Bearer \(try registered.text("hostToken"))"]
      let created = try await gateway.call(
        "POST", "/api/shared-sessions", body, headers: Self.key.merging(bearer) { $1 })
      #expect(created.status == 201)
      let participant = [
        "Authorization":
          "Bearer \(try created.text("hostParticipant", "id")).\(try created.text("hostParticipant", "accessToken"))"
      ]
      for route in ["", "/participants", "/messages"] {
        let path = "/api/shared-sessions/\(try created.text("session", "id"))\(route)"
        #expect(try await gateway.call("GET", path, headers: Self.key).status == 200)
        #expect(try await gateway.call("GET", path, headers: participant).status == 200)
        #expect(try await gateway.call("GET", path).errorCode == "API_KEY_REQUIRED")
      }
      for path in ["/health/live", "/version", "/openapi.json", "/"] {
        #expect(try await gateway.call("GET", path).status == 200)
      }
    }
  }

  @Test func aDigestIsReadOnlyInItsOwnForm() {
    #expect(APIKeys.Entry("ci:\(Self.digest)")?.name == "ci")
    #expect(APIKeys.Entry("ci:\(Self.digest.uppercased())") != nil)
    for wrong in ["", ":\(Self.digest)", "ci", "ci:", "ci:\(Self.digest)0", "ci:\(Self.digest.dropLast())g"] {
      #expect(APIKeys.Entry(wrong) == nil, "\(wrong)")
    }
  }

  @Test func aParticipantWhoAsksTooOftenIsToldWhenToComeBack() async throws {
    try await withGateway({ $0.participantRate = RequestRate(count: 3, interval: .seconds(3_600)) }) { gateway in
      let scenario = try await Scenario(gateway)
      let guest = try await scenario.join()
      for _ in 0..<3 { #expect(try await scenario.comment("x", as: guest).status == 200) }
      let limited = try await scenario.comment("x", as: guest)
      #expect(limited.status == 429)
      #expect(try limited.errorCode == "RATE_LIMITED")
      #expect(limited.headers["retry-after"].flatMap { Int($0) } ?? 0 > 0)
      #expect(try await scenario.comment("somebody else").status == 200)
      // Nobody uses up another's rate by naming them.
      let forged = Scenario.Caller(id: scenario.host.id, token: "wrong")
      for _ in 0..<5 { _ = try await scenario.comment("x", as: forged) }
      #expect(try await scenario.comment("still here").status == 200)
    }
  }

  @Test func anAddressThatAsksTooOftenIsRefusedButMayStillAskForHealth() async throws {
    try await withGateway({ $0.addressRate = RequestRate(count: 2, interval: .seconds(3_600)) }) { gateway in
      for _ in 0..<2 {
        let taken = try await gateway.call("GET", "/api/shared-sessions")
        #expect(taken.status == 200)
      }
      #expect(try await gateway.call("GET", "/api/shared-sessions").errorCode == "RATE_LIMITED")
      #expect(try await gateway.call("GET", "/health/live").status == 200)
    }
  }

  /// What made-up callers cost is bounded by their address's rate before anything is looked up for them.
  @Test(arguments: [
    ("GET", "/api/shared-sessions/x", nil), ("POST", "/api/shared-sessions/x/messages", #"{"text":"x"}"#),
    ("GET", "/api/shared-sessions/x/stream", nil), ("GET", "/api/host-sessions/x", nil),
    ("POST", "/api/host-sessions/x/notifications", #"{"notifications":[]}"#),
  ])
  func aMadeUpCallerMeetsTheRateOfTheirAddressFirst(method: String, path: String, body: String?) async throws {
    try await withGateway({ $0.addressRate = RequestRate(count: 1, interval: .seconds(3_600)) }) { gateway in
      let madeUp = ["Authorization": "Bearer x.y"]
      let first = try await gateway.call(method, path, body, headers: madeUp)
      #expect(try first.errorCode.hasSuffix("SESSION_NOT_FOUND"))
      let second = try await gateway.call(method, path, body, headers: madeUp)
      #expect(try second.errorCode == "RATE_LIMITED")
    }
  }

  @Test func whatIsRefusedByItsHostOrOriginTakesNothingFromTheRate() async throws {
    try await withGateway({ $0.addressRate = RequestRate(count: 1, interval: .seconds(3_600)) }) { gateway in
      for headers in [["Host": "evil.example"], ["Origin": "http://evil.example", "X-API-Key": "x"]] {
        for _ in 0..<3 {
          let refused = try await gateway.call("GET", "/api/shared-sessions", headers: headers)
          #expect(try refused.errorCode.hasSuffix("_NOT_ALLOWED"))
        }
      }
      let taken = try await gateway.call("GET", "/api/shared-sessions")
      #expect(taken.status == 200)
    }
  }

  @Test func whoeverAsksForReadinessOftenIsAnsweredByOneProbe() async throws {
    let probes = Mutex<(begun: Int, waiting: CheckedContinuation<Void, Never>?)>((0, nil))
    let shared = SharedProbe {
      await withCheckedContinuation { continuation in
        probes.withLock { $0 = ($0.begun + 1, continuation) }
      }
      throw CancellationError()
    }
    let asking = (0..<20).map { _ in Task { try await shared.run() } }
    let first = try await eventually("a probe") { probes.withLock { $0.waiting } }
    for _ in 0..<100 { await Task.yield() }
    #expect(probes.withLock { $0.begun } == 1)
    probes.withLock { $0.waiting = nil }
    first.resume()
    // Whoever had not asked before its end begins another one; nobody's is left waiting.
    let ending = Task {
      while !Task.isCancelled {
        probes.withLock { state in
          defer { state.waiting = nil }
          return state.waiting
        }?.resume()
        await Task.yield()
      }
    }
    for asked in asking { #expect(await asked.result.isFailure) }
    let before = probes.withLock { $0.begun }
    await #expect(throws: CancellationError.self) { try await shared.run() }
    #expect(probes.withLock { $0.begun } == before + 1, "the next one looks again")
    ending.cancel()
  }

  @Test func behindATrustedLoadBalancerEveryClientHasARateOfItsOwn() async throws {
    let rate = RequestRate(count: 1, interval: .seconds(3_600))
    let proxies = try [#require(AddressRange("127.0.0.0/8"))]
    try await withGateway({ ($0.addressRate, $0.trustedProxies) = (rate, proxies) }) { gateway in
      func status(_ forwardedFor: String) async throws -> Int {
        try await gateway.call("GET", "/api/shared-sessions", headers: ["X-Forwarded-For": forwardedFor]).status
      }
      // What a client wrote itself stands before what the load balancer appended.
      let addresses = ["203.0.113.1", "203.0.113.1", "203.0.113.2", "203.0.113.9, 203.0.113.2"]
      var statuses: [Int] = []
      for address in addresses { statuses.append(try await status(address)) }
      #expect(statuses == [200, 429, 200, 429])
    }
    try await withGateway({ $0.addressRate = rate }) { gateway in
      for (address, expected) in [("203.0.113.1", 200), ("203.0.113.2", 429)] {
        let reply = try await gateway.call(
          "GET", "/api/shared-sessions", headers: ["X-Forwarded-For": address])
        #expect(reply.status == expected, "nobody is trusted, so nobody is believed")
      }
    }
  }
}

extension Result {
  fileprivate var isFailure: Bool {
    if case .failure = self { true } else { false }
  }
}
