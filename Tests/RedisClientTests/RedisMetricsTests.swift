import CoreMetrics
import MetricsTestKit
import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

@Suite("Metrics", .timeLimit(.minutes(2)))
struct RedisMetricsTests {
  @Test("what happens is counted")
  func counts() async throws {
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      try await withServerAndClient(
        group: MultiThreadedEventLoopGroup.singleton.next(), configure: { $0.maximumBytesInFlight = 5_000 }
      ) { server, client in
        for _ in 0..<5 { _ = try await client.send(RedisCommand("PING"), key: nil) }
        let script = RedisScript(name: "s", source: "#!lua\nreturn 1")
        _ = try await client.evaluate(script, keys: ["k"], arguments: [])
        let big = RedisArgument.bytes(ByteBuffer(repeating: 1, count: 6_000))
        await #expect(throws: RedisError.self) { try await client.send(RedisCommand("SET", "k", big), key: nil) }
        let heard = Heard()
        _ = try await client.subscribe(to: "ch") { heard.append($0) }
        _ = try await client.send(RedisCommand("SPUBLISH", "ch", "x"), key: nil)
        try await eventually("heard") { heard.messages == ["x"] }
        server.kill()
        try await eventually("interrupted") { heard.events.contains(.interrupted) }
        try await eventually("both losses are counted") {
          metrics.counterTotal(label: "tandem_redis_connections_lost") == 2
        }
      }
      #expect(metrics.counterTotal(label: "tandem_redis_commands") == 7)
      #expect(metrics.counterTotal(label: "tandem_redis_unknown_scripts") == 1)
      #expect(metrics.counterTotal(label: "tandem_redis_refusals") == 1)
      #expect(metrics.counterTotal(label: "tandem_redis_connections_made") == 2)
      #expect(metrics.counterTotal(label: "tandem_redis_messages") == 1)
      #expect(metrics.counterTotal(label: "tandem_redis_subscription_interruptions") == 1)
      #expect(metrics.counterTotal(label: "tandem_redis_flushes") >= 7)
      #expect(try metrics.expectTimer("tandem_redis_batch_duration").values.count >= 7)
      #expect(try metrics.expectGauge("tandem_redis_connections").lastValue == 0)
      #expect(try metrics.expectGauge("tandem_redis_commands_in_flight").lastValue == 0)
      #expect(try metrics.expectGauge("tandem_redis_subscribed_channels").lastValue == 0)
    }
  }
}
