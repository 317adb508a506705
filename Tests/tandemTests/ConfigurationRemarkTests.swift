import HTTPGateway
import Logging
import Testing

@testable import tandem

/// What is said at start about a configuration that is right.
@Suite struct ConfigurationRemarkTests {
  private func sentences(flags: [String: String] = [:], environment: [String: String] = [:]) throws -> [String] {
    try configuration(flags: flags, environment: environment).remarks.map(\.sentence)
  }

  private let digest = String(repeating: "0a", count: 32)

  @Test func unknownVariablesAreWarnedOfWithTheNearestName() throws {
    let found = try sentences(environment: ["TANDEM_PROT": "1", "TANDEM_NO_SUCH_KEY": "1", "PORT": "x"])
    #expect(
      found == [
        "warning: unknown environment variable ignored: TANDEM_NO_SUCH_KEY",
        "warning: unknown environment variable ignored: TANDEM_PROT; did you mean TANDEM_PORT?",
      ])
  }

  @Test(arguments: [
    "TANDEM_CONFIG", "TANDEM_SERVER", "TANDEM_API_KEY", "TANDEM_BINARY", "TANDEM_STRICT", "TANDEM_BENCHMARKS",
    "TANDEM_TEST_X", "TANDEM_E2E_FUZZ",
  ])
  func variablesOfOtherCommandsAndOfTestsAreNothingToSay(name: String) throws {
    #expect(try sentences(environment: [name: "x"]) == [])
  }

  @Test func linksOfContainersAreIgnoredInOneLine() throws {
    // What Kubernetes sets for a service "tandem" and one "tandem-redis", and Docker for a link called tandem.
    let environment = [
      "TANDEM_SERVICE_HOST": "10.0.0.1", "TANDEM_SERVICE_PORT": "8080", "TANDEM_SERVICE_PORT_HTTP": "8080",
      "TANDEM_PORT": "tcp://10.0.0.1:8080", "TANDEM_PORT_8080_TCP": "tcp://10.0.0.1:8080",
      "TANDEM_PORT_8080_TCP_PROTO": "tcp", "TANDEM_PORT_8080_TCP_PORT": "8080",
      "TANDEM_PORT_8080_TCP_ADDR": "10.0.0.1", "TANDEM_PORT_53_UDP": "udp://10.0.0.1:53",
      "TANDEM_REDIS_SERVICE_HOST": "10.0.0.2", "TANDEM_REDIS_SERVICE_PORT": "6379",
      "TANDEM_REDIS_PORT": "tcp://10.0.0.2:6379", "TANDEM_REDIS_PORT_6379_TCP_ADDR": "10.0.0.2",
      "TANDEM_NAME": "/web/tandem", "TANDEM_ENV_PATH": "/usr/bin",
    ]
    let read = try configuration(environment: environment)
    #expect(read.gateway.port == 8080)
    #expect(read.redis == nil)
    let remark = try #require(read.remarks.first)
    #expect(read.remarks.count == 1)
    #expect(remark.level == .info)
    for name in environment.keys { #expect(remark.detail?.contains(name) == true, "\(name)") }
  }

  @Test func aPortOfALinkLeavesTheFileInForce() throws {
    let read = try configuration(environment: ["TANDEM_PORT": "tcp://10.0.0.1:8080"], file: #"{"port": 9000}"#)
    #expect(read.gateway.port == 9000)
  }

  @Test(arguments: [
    ("TANDEM_PORT", "tcp"), ("TANDEM_PORT", "http://10.0.0.1:8080"), ("TANDEM_HOST", "tcp://10.0.0.1:8080"),
    ("TANDEM_REDIS", "tcp://10.0.0.1:6379"),
  ])
  func aWrongSettingIsNoLink(name: String, value: String) throws {
    let found = try problems(environment: [name: value])
    if name == "TANDEM_HOST" {
      // A host name may be any text; that it is not a link is what counts.
      #expect(found.contains { $0.contains("host is") })
    } else {
      #expect(found.count == 1)
    }
  }

  @Test(arguments: ["TANDEM_SERVICE", "TANDEM_PORT_8080", "TANDEM_PORT_X_TCP", "TANDEM_PORT_0_TCP", "TANDEM_NAME"])
  func namesThatOnlyLookLikeLinksAreUnknown(name: String) throws {
    #expect(try sentences(environment: [name: "x"]).first?.hasPrefix("warning: unknown") == true)
  }

  @Test func everySettingIsNoLinkWhateverItsValue() {
    for key in ConfigurationKey.all where key.name != "port" {
      #expect(!ServiceLinks.contains(key.environmentName, "1"), "\(key.name)")
    }
  }

  @Test func aListenerThatOthersReachIsWarnedOfOnce() throws {
    let keyed = try sentences(flags: ["host": "10.0.0.7", "apiKeys": "ci:\(digest)"])
    #expect(keyed.count == 1)
    #expect(keyed.first?.hasPrefix("warning: tokens travel in clear") == true)
    #expect(try sentences(flags: ["host": "127.0.0.1"]) == [])
    #expect(try sentences(flags: ["host": "::1", "access": "keyed", "apiKeys": "ci:\(digest)"]) == [])
  }

  @Test func anOpenListenerOnEveryAddressNeedsTheNamesItIsCalledBy() throws {
    let flags = ["host": "0.0.0.0", "forceOpen": "true"]
    #expect(try sentences(flags: flags).contains { $0.contains("until hosts names this one") })
    let named = try sentences(flags: flags.merging(["hosts": "team.example"]) { $1 })
    #expect(!named.contains { $0.contains("until hosts names this one") })
  }
}
