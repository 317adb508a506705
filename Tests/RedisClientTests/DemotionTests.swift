import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

/// After a failover the old primary keeps its connections and answers on as a replica.
@Suite("Servers that are no primary any more", .timeLimit(.minutes(2)))
struct DemotionTests {
  private func administer<Value: Sendable>(
    _ server: RedisServer, _ body: @Sendable (RedisClient) async throws -> Value
  ) async throws -> Value {
    var configuration = server.configuration
    configuration.acceptsReplica = true
    return try await withClient(configuration, body)
  }

  private func subscribers(of server: RedisServer) async throws -> Int? {
    try await administer(server) { client in
      try await client.send(RedisCommand("PUBSUB", "SHARDNUMSUB", "ch"), key: nil).array?.last?.integer
    }
  }

  @Test("commands and subscriptions follow the name to the new primary, without anybody closing a connection")
  func failover() async throws {
    try await withRedisServer(.init(port: 0)) { old in
      try await withRedisServer(.init(port: 0, configuration: ["replicaof 127.0.0.1 \(try #require(old.port))"])) {
        new in
        let (oldPort, newPort) = (try #require(old.port), try #require(new.port))
        let forwarder = try await Forwarder(to: oldPort)
        var configuration = RedisClientConfiguration(topology: .standalone(.host("127.0.0.1", port: forwarder.port)))
        configuration.commandTimeout = patience
        configuration.connectionWait = .milliseconds(200)
        configuration.reconnectDelay = .milliseconds(5)...Duration.milliseconds(50)
        try await withClient(configuration) { client in
          let heard = Heard()
          try await eventually("the replica is in step") {
            (try? await client.send(RedisCommand("WAIT", 1, 10), key: nil)) == .integer(1)
          }
          let subscription = try await client.subscribe(to: "ch") { heard.append($0) }
          defer { subscription.cancel() }
          try await client.send(RedisCommand("SET", "k", "1"), key: nil).expectOK()

          try await administer(new) { try await $0.send(RedisCommand("REPLICAOF", "NO", "ONE"), key: nil).expectOK() }
          try await administer(old) { admin in
            try await admin.send(RedisCommand("REPLICAOF", "127.0.0.1", .integer(newPort)), key: nil).expectOK()
          }
          // The name still leads to the old one.
          for _ in 0..<20 {
            let error = await #expect(throws: RedisError.self) {
              try await client.send(RedisCommand("SET", "k", "lost"), key: nil)
            }
            #expect(
              error?.code == .unavailable || error?.serverErrorPrefix == "READONLY", "\(String(describing: error))")
          }
          forwarder.turn(to: newPort)
          try await eventually("writes reach the new primary, from every event loop") {
            for _ in 0..<20 {
              guard (try? await client.send(RedisCommand("SET", "k", "2"), key: nil)) == .status("OK") else {
                return false
              }
            }
            return true
          }
          try await eventually("the subscription is at the new primary") { heard.events.last == .restored }
          _ = try await client.send(RedisCommand("SPUBLISH", "ch", "news"), key: nil)
          try await eventually("the message is heard") { heard.messages == ["news"] }
          #expect(try await subscribers(of: new) == 1)
          #expect(try await subscribers(of: old) == 0)
          try await client.probe(within: patience)
        }
        try await forwarder.stop()
      }
    }
  }

  @Test(
    "one such answer replaces the connections; what was under way is answered",
    arguments: ["READONLY You can't write", "LOADING Redis is loading", "MASTERDOWN Link with MASTER is down"])
  func replaced(answer: String) async throws {
    try await withFakeAndClient(answer: { command, _ in
      switch command.first {
      case "SSUBSCRIBE": "*3\r\n$10\r\nssubscribe\r\n$2\r\nch\r\n:1\r\n"
      case "PING": "+PONG\r\n"
      case "ECHO": "+\(command[1])\r\n"
      default: "-\(answer)\r\n"
      }
    }) { fake, client in
      let heard = Heard()
      let subscription = try await client.subscribe(to: "ch") { heard.append($0) }
      defer { subscription.cancel() }
      let before = fake.channels.count
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          let error = await #expect(throws: RedisError.self) {
            try await client.send(RedisCommand("SET", "k"), key: nil)
          }
          #expect(error?.message == answer)
        }
        for number in 0..<20 {
          group.addTask { try await expectEcho(number, client) }
        }
        try await group.waitForAll()
      }
      try await eventually("both connections are new") {
        fake.channels.count >= before + 2 && heard.events.contains(.interrupted) && heard.events.last == .restored
      }
      try await expectEcho(1, client)
    }
  }
}

private func expectEcho(_ number: Int, _ client: RedisClient) async throws {
  #expect(try await client.send(RedisCommand("ECHO", .integer(number)), key: nil).integer == number)
}
