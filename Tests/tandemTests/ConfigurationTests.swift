import EventStreaming
import HTTPGateway
import NIOCore
import SharedSessions
import Testing

@testable import tandem

/// Reads a configuration the way a start does, from values instead of the process.
func configuration(
  flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil
) throws -> TandemConfiguration {
  let sources = ConfigurationSources(
    flags: flags, environment: environment, file: file.map { (path: "test.json", content: ByteBuffer(string: $0)) })
  return try TandemConfiguration(ConfigurationResolver(sources), environment: ["HOME": "/somebody"])
}

/// What is wrong with a configuration; empty when nothing is.
func problems(
  flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil
) throws -> [String] {
  do {
    _ = try configuration(flags: flags, environment: environment, file: file)
    return []
  } catch let error as ConfigurationError {
    return error.problems
  }
}

private let digest = String(repeating: "0a", count: 32)

@Suite struct ConfigurationPrecedenceTests {
  @Test func nothingGivenMeansTheDefaults() throws {
    let defaults = try configuration()
    #expect(defaults.gateway.host == "127.0.0.1")
    #expect(defaults.gateway.port == 8080)
    #expect(defaults.redis == nil)
    #expect(defaults.access == .open)
    #expect(defaults.sessions.joinReuse == .lenient)
    #expect(defaults.gateway.participantRate == nil)
    #expect(defaults.dataDirectory == "/somebody/.local/state/tandem")
    #expect(defaults.sessions.dispatchLease == .seconds(30))
    #expect(defaults.sessions.maximumLifetime == .seconds(30 * 86_400))
    #expect(defaults.gateway.streams.bufferBytes == 1 << 20)
    #expect(defaults.gateway.fieldRules.prompt == 64 << 10)
  }

  @Test func aFlagWinsOverTheEnvironmentThatOverTheFileThatOverTheDefault() throws {
    let file = #"{"port": 1, "prefix": "fromfile", "dispatch": {"lease": "7s"}}"#
    let environment = ["TANDEM_PORT": "2", "TANDEM_PREFIX": "fromenv"]
    let read = try configuration(flags: ["port": "3"], environment: environment, file: file)
    #expect(read.gateway.port == 3)
    #expect(read.prefix == "fromenv")
    #expect(read.sessions.dispatchLease == .seconds(7))
    #expect(read.sessions.dispatchTimeout == .seconds(600))
    #expect(read.sessions.hostGrace == .seconds(300))
  }

  @Test func everyKeyCanBeSetInTheEnvironment() throws {
    #expect(ConfigurationKey.named("dispatch.lease")?.environmentName == "TANDEM_DISPATCH_LEASE")
    #expect(ConfigurationKey.named("apiKeys")?.environmentName == "TANDEM_API_KEYS")
    #expect(ConfigurationKey.named("join.reuse")?.flagName == "--join-reuse")
    for key in ConfigurationKey.all {
      // A value no key accepts: the complaint shows that the variable was read.
      let found = try problems(environment: [key.environmentName: "\u{1}"])
      #expect(found.contains { $0.hasPrefix("\(key.name) (\(key.environmentName)) is ") }, "\(key.name)")
    }
  }

  @Test func anEmptyVariableCountsAsUnset() throws {
    #expect(try configuration(environment: ["TANDEM_REDIS": "", "TANDEM_PORT": ""]).gateway.port == 8080)
  }

  @Test func listsAreArraysInTheFileAndCommaSeparatedElsewhere() throws {
    let expected = ["ci", "ops"]
    #expect(
      try configuration(file: #"{"apiKeys": ["ci:\#(digest)", "ops:\#(digest)"]}"#).apiKeys.map(\.name) == expected)
    #expect(
      try configuration(environment: ["TANDEM_API_KEYS": "ci:\(digest),ops:\(digest)"]).apiKeys.map(\.name) == expected)
  }

  @Test func nullInTheFileMeansNotSet() throws {
    #expect(try configuration(file: #"{"redis": null, "port": null}"#).gateway.port == 8080)
  }
}

@Suite struct ConfigurationRefusalTests {
  @Test(arguments: [
    ("port", "80a"), ("port", "65536"), ("port", "-1"), ("port", "+1"), ("port", ""), ("port", "8080 "),
    ("access", "Open"), ("access", ""), ("forceOpen", "yes"), ("prefix", "a{b}"), ("prefix", ""), ("host", ""),
    ("host", "a\nb"), ("redis", "http://x"), ("redis", "redis://"), ("redis", "redis://a b"),
    ("redis", "redis+sentinel://a"),
    ("redis", "redis+cluster://a/1"), ("redisAddresses", "a:1"), ("redisAddresses", "a=b"),
    ("redisAddresses", "a:1=b:0"),
    ("apiKeys", "ci:xyz"),
    ("apiKeys", "ci"), ("apiKeys", "ci:\(digest),"), ("dispatch.lease", "1 s"), ("dispatch.lease", "0"),
    ("dispatch.lease", "-3s"), ("dispatch.lease", "1e3"), ("dispatch.lease", "infinity"), ("dispatch.lease", "2w"),
    ("stream.bufferBytes", "1MB"), ("stream.bufferBytes", "1.5MiB"), ("stream.bufferBytes", "99999999999GiB"),
    ("limits.jsonDepth", "3"), ("rate.address", "fast"), ("rate.address", "0/s"), ("rate.address", "5/s/s"),
    ("log.level", "loud"), ("durability", "both"),
  ])
  func aWrongValueIsNamedWithWhatIsAllowed(name: String, value: String) throws {
    let key = try #require(ConfigurationKey.named(name))
    let found = try problems(flags: [name: value])
    #expect(found.count == 1)
    let problem = try #require(found.first)
    #expect(problem.hasPrefix("\(key.name) (\(key.flagName)) is "))
    #expect(problem.contains(key.allowed))
    #expect(problem.contains(key.isSecret ? "(hidden)" : "\"\(value)\""))
  }

  @Test(arguments: [
    (#"{"port": "80"}"#, "port is \"80\"; it must be a whole number"),
    (#"{"port": 80.5}"#, "port is \"80.5\"; it must be a whole number"),
    (#"{"port": 1e3}"#, "port is \"1e3\"; it must be a whole number"),
    (#"{"port": true}"#, "port is true; it must be a whole number"),
    (#"{"forceOpen": "true"}"#, "forceOpen is \"true\"; it must be true or false"),
    (#"{"forceOpen": 1}"#, "forceOpen is 1; it must be true or false"),
    (#"{"host": 1}"#, "host is 1; it must be"),
    (#"{"host": ["a"]}"#, "host is [\"a\"]; it must be"),
    (#"{"apiKeys": "ci:x"}"#, "apiKeys is (hidden); it must be a list"),
    (#"{"apiKeys": [1]}"#, "apiKeys is (hidden); it must be a list"),
    (#"{"prot": 1}"#, "unknown key prot; did you mean port?"),
    (#"{"limits": {"boddy": 1}}"#, "unknown key limits.boddy; did you mean limits.body?"),
    (#"{"dispatch.lease": 3}"#, "unknown key dispatch.lease"),
    (#"{"dispatch": 3}"#, "dispatch must be an object"),
    (#"{"port": 1, "port": 2}"#, "port is given twice"),
    (#"[]"#, "must be a JSON object"),
    (#"{"port": 1"#, "not valid JSON"),
    (#""#, "not valid JSON"),
  ])
  func aWrongFileIsRefused(file: String, expected: String) throws {
    let found = try problems(file: file)
    #expect(found.count == 1)
    #expect(found.first?.contains(expected) == true, "\(found)")
  }

  @Test func allProblemsAreToldAtOnce() throws {
    let found = try problems(flags: ["port": "x"], environment: ["TANDEM_HOST": " \n"], file: #"{"prefx": "t"}"#)
    #expect(found.count == 3)
  }

  @Test func secretsNeverAppearInAComplaint() throws {
    let found = try problems(
      flags: ["redis": "http://user:hunter2@example.com"], file: #"{"apiKeys": ["ci:hunter2"]}"#)
    #expect(found.count == 2)
    #expect(!found.joined().contains("hunter2"))
  }
}

@Suite struct ConfigurationConsistencyTests {
  @Test(arguments: ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST", "0:0:0:0:0:0:0:1"])
  func aLoopbackListenerIsOpenByDefault(host: String) throws {
    #expect(try configuration(flags: ["host": host]).access == .open)
  }

  @Test(arguments: ["0.0.0.0", "::", "192.168.1.2", "127.0.0.1.example.com", "example.com", "127.1", "::ffff:10.0.0.1"])
  func anyOtherListenerNeedsKeysUnlessForced(host: String) throws {
    #expect(try problems(flags: ["host": host]).first?.contains("apiKeys is empty") == true)
    #expect(try problems(flags: ["host": host, "access": "open"]).first?.contains("forceOpen") == true)

    let keyed = try configuration(flags: ["host": host, "apiKeys": "ci:\(digest)"])
    #expect(keyed.access == .keyed)
    #expect(keyed.sessions.joinReuse == .strict)
    #expect(keyed.gateway.participantRate == RequestRate(count: 50, interval: .seconds(1)))

    #expect(try configuration(flags: ["host": host, "forceOpen": "true"]).access == .open)
    #expect(try configuration(flags: ["host": host, "access": "open", "forceOpen": "true"]).access == .open)
  }

  @Test func keyedAccessWithoutKeysIsRefusedEverywhere() throws {
    #expect(try problems(flags: ["access": "keyed"]).first?.contains("apiKeys is empty") == true)
  }

  @Test func keysOnANonLoopbackListenerStayInForceWhenOpenIsOnlyAllowed() throws {
    let flags = ["host": "0.0.0.0", "forceOpen": "true", "apiKeys": "ci:\(digest)"]
    #expect(try configuration(flags: flags).access == .keyed)
  }

  @Test func contradictionsAreRefused() throws {
    #expect(try problems(flags: ["durability": "replicated"]).first?.contains("no replicas") == true)
    let twice = try problems(flags: ["apiKeys": "ci:\(digest),ci:\(digest)"])
    #expect(twice.first?.contains("more than once") == true)
  }

  @Test func withoutAHomeTheDataDirectoryMustBeNamed() throws {
    let resolver = ConfigurationResolver(ConfigurationSources(flags: [:], environment: [:], file: nil))
    #expect(throws: ConfigurationError.self) { try TandemConfiguration(resolver, environment: [:]) }
    let state = try TandemConfiguration(resolver, environment: ["XDG_STATE_HOME": "/state", "HOME": "/h"])
    #expect(state.dataDirectory == "/state/tandem")
    let remote = ConfigurationResolver(
      ConfigurationSources(flags: ["redis": "redis://example.com"], environment: [:], file: nil))
    #expect(try TandemConfiguration(remote, environment: [:]).redis == "redis://example.com")
  }
}
