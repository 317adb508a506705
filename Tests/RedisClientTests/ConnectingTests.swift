import Logging
import NIOCore
import NIOPosix
import RedisClient
import ServiceLifecycle
import TestSupport
import Testing

@Suite("Ways to connect", .timeLimit(.minutes(2)))
struct ConnectingTests {
  /// A configuration that gives up on connecting soon, for tests in which it cannot work.
  private func impatient(_ url: String) throws -> RedisClientConfiguration {
    var configuration = try RedisClientConfiguration(url: url)
    configuration.connectionWait = .milliseconds(500)
    return configuration
  }

  @Test("TCP with an ACL user, its password and a database")
  func tcpWithUser() async throws {
    let options = RedisServer.Options(
      port: 0, configuration: ["user default off", "user app on >pass ~tandem* &tandem* +@all -@dangerous"])
    try await withRedisServer(options) { server in
      let port = try #require(server.port)
      try await withClient(RedisClientConfiguration(url: "redis://app:pass@127.0.0.1:\(port)/3")) { client in
        try await client.send(RedisCommand("SET", "tandem:x", "1"), key: nil).expectOK()
        #expect(try await client.send(RedisCommand("CLIENT", "INFO"), key: nil).expectString().contains("db=3"))
        let denied = await #expect(throws: RedisError.self) {
          try await client.send(RedisCommand("SET", "other", "1"), key: nil)
        }
        #expect(denied?.serverErrorPrefix == "NOPERM" && denied?.mayHaveRun == false)
        let deniedChannel = await #expect(throws: RedisError.self) { try await client.subscribe(to: "other") { _ in } }
        #expect(deniedChannel?.serverErrorPrefix == "NOPERM")
        let subscription = try await client.subscribe(to: "tandem:ch") { _ in }
        subscription.cancel()
        try await client.probe(within: .seconds(10))
      }
      for url in ["redis://app:wrong@127.0.0.1:\(port)", "redis://127.0.0.1:\(port)"] {
        try await withClient(impatient(url)) { client in
          let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING"), key: nil) }
          #expect(error?.code == .unavailable)
          #expect(error?.message.contains("Redis") == true)
          #expect(error?.message.contains("wrong") == false || error?.message.contains("WRONGPASS") == true)
        }
      }
    }
  }

  @Test("a password without a user")
  func passwordOnly() async throws {
    try await withRedisServer(.init(configuration: ["requirepass top"])) { server in
      try await withClient(RedisClientConfiguration(url: "\(server.url)?password=top")) { client in
        let reply = try await client.send(RedisCommand("PING"), key: nil)
        #expect(reply == .status("PONG"))
      }
    }
  }

  @Test("TLS is verified against the given certificate, by name and by address")
  func tls() async throws {
    try await withRedisServer(.init(port: 0, tls: true)) { server in
      let port = try #require(server.port)
      let file = try #require(server.certificateFile)
      for host in ["127.0.0.1", "localhost"] {
        try await withClient(RedisClientConfiguration(url: "rediss://\(host):\(port)?ca=\(file)")) { client in
          #expect(try await client.send(RedisCommand("PING"), key: nil) == .status("PONG"))
          try await client.probe(within: .seconds(10))
        }
      }
      try await withClient(impatient("rediss://127.0.0.1:\(port)")) { client in
        let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING"), key: nil) }
        #expect(error?.code == .unavailable)
      }
    }
  }

  @Test("a plain connection to a port that speaks TLS, and to a web server, is refused with a clear error")
  func notRedis() async throws {
    try await withRedisServer(.init(port: 0, tls: true)) { server in
      let port = try #require(server.port)
      try await withClient(impatient("redis://127.0.0.1:\(port)")) { client in
        let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING"), key: nil) }
        #expect(error?.mayHaveRun == false)
      }
    }
  }

  @Test("a configuration that cannot be used stops the start with its reason, and every call says the same")
  func unusable() async throws {
    var broken: [(RedisClientConfiguration, String)] = [
      (try RedisClientConfiguration(url: "rediss+sentinel://a,b/m?ca=/nowhere.pem"), "/nowhere.pem"),
      (try RedisClientConfiguration(url: "rediss+cluster://a,b?ca=/nowhere.pem"), "/nowhere.pem"),
      (try RedisClientConfiguration(url: "rediss://h?ca=/nowhere.pem"), "/nowhere.pem"),
    ]
    func add(_ sentence: String, _ change: (inout RedisClientConfiguration) -> Void) throws {
      var configuration = try RedisClientConfiguration(url: "redis://h")
      change(&configuration)
      broken.append((configuration, sentence))
    }
    try add("commandTimeout") { $0.commandTimeout = .zero }
    try add("maximumReplyBytes") { $0.maximumReplyBytes = 0 }
    try add("replica") { $0.durability = .replicated(replicas: 0, timeout: .seconds(1)) }
    try add("time for replication") { $0.durability = .replicated(replicas: 1, timeout: .seconds(6)) }
    try add("connectionName") { $0.connectionName = "two words" }
    try add("no password") { $0.username = "u" }
    for (configuration, sentence) in broken {
      let client = RedisClient(
        configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: "test"))
      let errors = [
        await #expect(throws: RedisError.self) { try await client.run() },
        await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING"), key: nil) },
        await #expect(throws: RedisError.self) { try await client.subscribe(to: "x") { _ in } },
      ]
      for error in errors {
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "none")")
        #expect(error?.code == .unavailable && error?.mayHaveRun == false)
      }
    }
  }

  @Test("after the end of run every call fails as unavailable, and no connection is left")
  func shutsDown() async throws {
    try await withRedisServer { server in
      var configuration = server.configuration
      configuration.connectionWait = patience
      let client = RedisClient(
        configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      let heard = Heard()
      let running = Task { try await client.run() }
      _ = try await client.subscribe(to: "ch") { heard.append($0) }
      _ = try await client.send(RedisCommand("PING"), key: nil)
      running.cancel()
      try await running.value
      let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING"), key: nil) }
      #expect(error?.code == .unavailable && error?.mayHaveRun == false)
      let late = await #expect(throws: RedisError.self) { try await client.subscribe(to: "ch") { _ in } }
      #expect(late?.code == .unavailable)
      try await withClient(server.configuration) { other in
        try await eventually("only the other client is connected") {
          let info = try await other.send(RedisCommand("PUBSUB", "SHARDNUMSUB", "ch"), key: nil)
          return info == .array([.bytes(ByteBuffer(string: "ch")), .integer(0)])
        }
      }
    }
  }

  @Test("a client that never runs answers every call and leaves nothing behind")
  func neverRuns() async throws {
    var configuration = RedisClientConfiguration(
      topology: .standalone(.unixSocket(path: "/tmp/tandem-no-redis-here.sock")))
    configuration.connectionWait = .milliseconds(20)
    configuration.commandTimeout = .milliseconds(40)
    let client = RedisClient(
      configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test")
    )
    let command = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING"), key: nil) }
    #expect(command?.code == .unavailable && command?.mayHaveRun == false)
    let subscription = await #expect(throws: RedisError.self) { try await client.subscribe(to: "ch") { _ in } }
    #expect(subscription?.code == .timedOut)
    await #expect(throws: RedisError.self) { try await client.probe(within: .seconds(20)) }
  }

  @Test("a graceful shutdown of the service group ends run")
  func gracefulShutdown() async throws {
    try await withRedisServer { server in
      let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      var configuration = server.configuration
      configuration.connectionWait = patience
      let client = RedisClient(
        configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
      let group = ServiceGroup(services: [client], logger: logger)
      async let running: Void = group.run()
      #expect(try await client.send(RedisCommand("PING"), key: nil) == .status("PONG"))
      await group.triggerGracefulShutdown()
      try await running
    }
  }
}
