import TestSupport
import Testing

@testable import SharedSessions

@Suite struct RateLimiterTests {
  @Test func aRateIsSharedByAllNodesAndSaysWhenToComeBack() async throws {
    try await withWorld { world in
      let rate = RequestRate(count: 5, interval: .seconds(3_600))
      for i in 0..<5 { try await world.nodes[i % 2].rates.take("participant", caller: "p1", rate: rate) }
      let refused = await #expect(throws: SharedSessionError.self) {
        try await world.two.rates.take("participant", caller: "p1", rate: rate)
      }
      #expect(refused?.code == .rateLimited)
      #expect((refused?.retryAfter ?? 0) > 700 && (refused?.retryAfter ?? 0) <= 720)
      try await world.two.rates.take("participant", caller: "p2", rate: rate)
      try await world.two.rates.take("address", caller: "p1", rate: rate)
    }
  }

  @Test func aRateFillsUpAgainAndItsKeyGoes() async throws {
    try await withWorld { world in
      let rate = RequestRate(count: 1, interval: .milliseconds(50))
      try await world.one.rates.take("address", caller: "a", rate: rate)
      try await eventually("it passes again") {
        try await code { try await world.one.rates.take("address", caller: "a", rate: rate) } == nil
      }
      let ttl = try await world.ttl(world.keys.rate("address", Secrets.digest("a")))
      #expect(ttl == -2 || (ttl >= 0 && ttl <= 60))
    }
  }

  @Test func withoutRedisRequestsPass() async throws {
    try await withWorld { world in
      world.server.kill()
      try await world.one.rates.take("address", caller: "a", rate: RequestRate(count: 1, interval: .seconds(60)))
      try await world.one.rates.take("address", caller: "a", rate: RequestRate(count: 1, interval: .seconds(60)))
    }
  }
}
