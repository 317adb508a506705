import Testing

@testable import EmbeddedRedis

@Suite struct RestartPolicyTests {
  @Test func pausesDoubleUpToTheLongestAndStartAgainAfterHealth() {
    var configuration = EmbeddedRedisConfiguration(dataDirectory: "/d")
    configuration.firstRestartDelay = .milliseconds(50)
    configuration.longestRestartDelay = .milliseconds(300)
    configuration.healthyAfter = .seconds(30)
    var policy = RestartPolicy(configuration)
    let pauses = (0..<5).map { _ in policy.delay(afterRunning: .seconds(1)) }
    #expect(pauses == [50, 100, 200, 300, 300].map { .milliseconds($0) })
    #expect(policy.delay(afterRunning: .seconds(30)) == .milliseconds(50))
    #expect(policy.delay(afterRunning: .zero) == .milliseconds(100))
  }
}

@Suite struct RedisServerVersionTests {
  @Test(arguments: ["", "7", "7.0", "7.0.x", "7.0.15-1", "7..1"])
  func otherTextsAreNoVersion(text: String) {
    #expect(RedisServerVersion(text) == nil)
  }

  @Test(arguments: [
    ("7.0.15", "5:7.0.15-1~deb12u10", false), ("7.0.15", "5:7.0.15-1~deb12u11", false),
    ("7.0.15", "5:7.0.15-1~deb12u9", true), ("7.0.15", "5:7.0.15-1~deb12u1", true),
    ("7.0.15", nil, true), ("7.2.10", nil, true), ("7.2.11", nil, false), ("8.0.4", nil, false), ("8.4.0", nil, false),
    ("8.2.1", "5:8.2.1-1", false), ("6.2.20", nil, true), ("5.0.0", nil, true),
  ])
  func oldServersAreWarnedOf(version: String, package: String?, expected: Bool) throws {
    let warning = try #require(RedisServerVersion(version)).warning(packageVersion: package)
    #expect((warning != nil) == expected, "\(warning ?? "no warning")")
  }
}

@Suite struct RedisServerInfoTests {
  @Test func theFieldsAreRead() throws {
    let info = try #require(
      RedisServerInfo("# Server\r\nredis_version:7.0.15\r\nprocess_id:4711\r\n\r\n# Persistence\r\nloading:1\r\n"))
    #expect(info.processIdentifier == 4711)
    #expect(info.version?.description == "7.0.15")
    #expect(info.isLoading)
    #expect(RedisServerInfo("redis_version:7.0.15\r\n") == nil)
    #expect(RedisServerInfo("process_id:0\r\n") == nil)
  }

  @Test func nobodyAtTheSocketIsNoAnswer() async {
    #expect(await RedisServerInfo.ask(socketPath: "/nonexistent/redis.sock", within: .seconds(5)) == nil)
  }
}

@Suite struct ServerSettingsTests {
  @Test func withoutABoundTheMemoryIsAsLargeAsTheMachine() async throws {
    try await withTemporaryDirectory { path in
      var configuration = EmbeddedRedisConfiguration(dataDirectory: path)
      configuration.maximumMemory = 0
      let process = ServerProcess(directory: try DataDirectory(preparing: path), configuration: configuration)
      #expect(process.settings.contains("\nmaxmemory 0\n"))
    }
  }

  @Test func pathsAreQuoted() {
    #expect(ServerProcess.quoted(#"/a b"c\d"#) == #""/a b\"c\\d""#)
  }

  @Test func theHintCanBePasted() {
    let serving = ServingRedis(origin: .started, socketPath: "/it's/redis.sock", processIdentifier: 2, version: nil)
    #expect(serving.redisCLICommand == #"redis-cli -s '/it'\''s/redis.sock'"#)
    let plain = ServingRedis(origin: .started, socketPath: "/var/lib/t-1_2/r.sock", processIdentifier: 2, version: nil)
    #expect(plain.redisCLICommand == "redis-cli -s /var/lib/t-1_2/r.sock")
  }
}
