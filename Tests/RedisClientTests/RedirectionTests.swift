import NIOCore
import RedisClient
import TestSupport
import Testing

/// Nodes that say what a test wants, for what real ones say only for a moment.
@Suite("Commands that are sent on", .timeLimit(.minutes(2)))
struct RedirectionTests {
  private let script = RedisScript(name: "s", source: "#!lua\nreturn 1")

  /// Two fakes, `n1` and `n2`; the first has all slots as far as anybody says.
  private func withFakes(
    _ one: @escaping FakeRedis.Answer, _ two: @escaping FakeRedis.Answer,
    _ body: @Sendable (FakeRedis, FakeRedis, RedisClient) async throws -> Void
  ) async throws {
    @Sendable func about(_ command: [String]) -> String? {
      guard command.first == "CLUSTER" else { return nil }
      // As a server before Redis 7.
      guard command.last == "SLOTS" else { return "-ERR Unknown subcommand\r\n" }
      return "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$2\r\nn1\r\n:1\r\n$2\r\nid\r\n"
    }
    let first = try await FakeRedis { about($0) ?? one($0, $1) }
    let second = try await FakeRedis { about($0) ?? two($0, $1) }
    var configuration = RedisClientConfiguration(topology: .cluster([.unixSocket(path: first.path)]))
    configuration.reachedAt = [
      .host("n1", port: 1): .unixSocket(path: first.path), .host("n2", port: 2): .unixSocket(path: second.path),
    ]
    configuration.commandTimeout = patience
    do {
      try await withClient(configuration) { client in try await body(first, second, client) }
    } catch {
      try await first.stop()
      try await second.stop()
      throw error
    }
    try await first.stop()
    try await second.stop()
  }

  private func names(_ fake: FakeRedis) -> [String] {
    fake.commands.map { $0[0] }.filter { $0 != "CLUSTER" && $0 != "PING" }
  }

  @Test("ASK is followed once, with ASKING before the command, and before its source where that is not known")
  func ask() async throws {
    try await withFakes(
      { _, _ in "-ASK 12182 n2:2\r\n" },
      { command, _ in
        switch command[0] {
        case "ASKING": "+OK\r\n"
        case "EVALSHA": "-NOSCRIPT No matching script\r\n"
        default: ":1\r\n"
        }
      }
    ) { one, two, client in
      let answer1 = try await client.evaluate(script, keys: ["foo"], arguments: [])
      #expect(answer1 == .integer(1))
      #expect(names(two) == ["ASKING", "EVALSHA", "ASKING", "EVAL"])
      let answer2 = try await client.send(RedisCommand("INCR", "foo"), key: "foo")
      #expect(answer2 == .integer(1))
      #expect(names(two).suffix(2) == ["ASKING", "INCR"])
      #expect(names(one) == ["EVALSHA", "INCR"], "asked first each time")
    }
  }

  @Test("MOVED is remembered; the next command goes there at once")
  func moved() async throws {
    try await withFakes({ _, _ in "-MOVED 12182 n2:2\r\n" }, { _, _ in ":1\r\n" }) { one, two, client in
      let answer3 = try await client.send(RedisCommand("INCR", "foo"), key: "foo")
      #expect(answer3 == .integer(1))
      try await eventually("it is remembered") {
        let before = names(one).count
        let answer4 = try await client.send(RedisCommand("INCR", "foo"), key: "foo")
        #expect(answer4 == .integer(1))
        return names(one).count == before
      }
      #expect(names(two).allSatisfy { $0 == "INCR" })
    }
  }

  @Test("two nodes that send a command to each other are given up after five times, and it was not run")
  func pingPong() async throws {
    try await withFakes({ _, _ in "-MOVED 12182 n2:2\r\n" }, { _, _ in "-MOVED 12182 n1:1\r\n" }) { one, two, client in
      _ = try await client.send(RedisCommand("PING"), key: nil)
      let error = await #expect(throws: RedisError.self) {
        try await client.send(RedisCommand("INCR", "foo"), key: "foo")
      }
      #expect(error?.code == .unavailable && error?.mayHaveRun == false)
      #expect(names(one).count + names(two).count == 6)
    }
  }

  @Test("TRYAGAIN is tried again where it was said; CLUSTERDOWN that lasts is told")
  func waits() async throws {
    try await withFakes(
      { command, _ in command[0] == "INCR" ? "-TRYAGAIN Multiple keys\r\n" : "-CLUSTERDOWN The cluster is down\r\n" },
      { _, _ in ":1\r\n" }
    ) { one, two, client in
      let again = await #expect(throws: RedisError.self) {
        try await client.send(RedisCommand("INCR", "foo"), key: "foo")
      }
      #expect(again?.serverErrorPrefix == "TRYAGAIN" && again?.mayHaveRun == false)
      let down = await #expect(throws: RedisError.self) {
        try await client.send(RedisCommand("DECR", "foo"), key: "foo")
      }
      #expect(down?.serverErrorPrefix == "CLUSTERDOWN")
      #expect(names(one).count == 12 && names(two) == [])
    }
  }

  @Test("a connection that is lost in the middle is not a reason to send a command again")
  func lost() async throws {
    try await withFakes(
      { command, channel in
        if command[0] == "INCR" { channel.close(promise: nil) }
        return nil
      }, { _, _ in ":1\r\n" }
    ) { one, two, client in
      let error = await #expect(throws: RedisError.self) {
        try await client.send(RedisCommand("INCR", "foo"), key: "foo")
      }
      #expect(error?.code == .connectionLost && error?.mayHaveRun == true)
      #expect(names(one) == ["INCR"] && names(two) == [])
    }
  }
}
