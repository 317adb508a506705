import Testing

@testable import HTTPGateway

/// Which names a node answers to: a page that rebinds its name to this machine must not be taken for somebody on it.
@Suite struct HostRulesTests {
  private func rules(
    _ access: AccessPolicy = .open, hosts: [String] = [], listening: String = "127.0.0.1"
  ) -> HostRules {
    HostRules(access: access, hosts: hosts, listening: listening)
  }

  @Test(arguments: [
    "localhost", "LOCALHOST", "LocalHost:8080", "localhost:1", "127.0.0.1", "127.0.0.1:8080", "127.255.0.9:65535",
    "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]:80",
  ])
  func whoeverIsOnThisMachineIsAnswered(host: String) {
    #expect(rules().allows(host))
  }

  @Test(arguments: [
    "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.",
    "localhost.", "localhost..", ".localhost", "foo.localhost", "xlocalhost", "localhost-x",
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.1", "127.0.0.256", "0",
    "0.0.0.0", "[::]", "128.0.0.1", "126.255.255.255", "10.0.0.1", "[::2]", "[fe80::1]", "[::ffff:10.0.0.1]",
    "[::1%lo]", "[::1%25lo]", "[fe80::1%eth0]", "::1", "[::1", "[]", "[127.0.0.1]", "[localhost]", "[::1]x",
    "[::1]8080",
    "localhost@evil.example", "evil.example@localhost", "user:pass@localhost", "@localhost",
    "localhost:80@evil.example",
    "", " ", "localhost ", " localhost", "localhost evil.example", "localhost,evil.example", "localhost, localhost",
    "localhost\tx", "localhost:", "localhost:x", "localhost:-1", "localhost:+1", "localhost:65536", "localhost:123456",
    "localhost:80:80", "localhost:８０", "localhost/", "localhost/x", "localhost?", "localhost#", "http://localhost",
    "//localhost", "%6cocalhost", "localhost%00", "localhost\\", "localhoﬆ", "loca\u{AD}lhost", "１２７.0.0.1",
    "127。0。0。1", "ⓛocalhost",
  ])
  func aRebindingPageIsNotAnsweredHoweverItIsNamed(host: String) {
    #expect(!rules().allows(host))
  }

  @Test func aRequestWithoutAHostIsNotAnswered() {
    #expect(!rules().allows(nil))
  }

  @Test func aLongHostIsNotEvenRead() {
    #expect(
      !rules(hosts: [String(repeating: "a.", count: 200) + "a"]).allows(String(repeating: "a.", count: 200) + "a"))
  }

  @Test func listedNamesAreAnsweredWithTheirPortOrWithAny() {
    let rules = rules(hosts: ["Tunnel.example", "other.example:8443", "plain.example:443", "[fd00::1]", "10.0.0.7"])
    for host in [
      "tunnel.example", "TUNNEL.example:1", "other.example:8443", "plain.example", "plain.example:443",
      "[fd00::1]:8080",
      "[FD00:0::1]", "10.0.0.7:80", "localhost:8080",
    ] {
      #expect(rules.allows(host), "\(host)")
    }
    for host in [
      "other.example", "other.example:8444", "plain.example:80", "x.tunnel.example", "tunnel.example.",
      "tunnel.examplex",
      "[fd00::2]", "10.0.0.70", "evil.example",
    ] {
      #expect(!rules.allows(host), "\(host)")
    }
  }

  @Test func anEntryThatIsNoHostOpensNothing() {
    let rules = rules(hosts: [
      "*", "*.example", "", "http://evil.example", "evil.example/", ".example", "evil.example.",
    ])
    for host in ["evil.example", "*", "x.example", "evil.example/"] { #expect(!rules.allows(host), "\(host)") }
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1:8080"), ("node.example", "node.example:8080"), ("fd00::1", "[fd00::1]:8080"),
    ("::1", "[::1]"), ("0.0.0.0", "0.0.0.0:8080"),
  ])
  func theAddressThatIsListenedOnIsAnswered(listening: String, host: String) {
    let rules = rules(listening: listening)
    #expect(rules.allows(host))
    #expect(!rules.allows("evil.example"))
  }

  @Test func keyedAccessLooksAtKeysAndNotAtNames() {
    #expect(rules(.keyed).allows("anything.example"))
    #expect(rules(.keyed).allows(nil))
  }

  @Test func anAbsoluteTargetSaysWhomTheRequestIsFor() {
    #expect(HostName.authority(ofTarget: "http://evil.example/api") == "evil.example")
    #expect(HostName.authority(ofTarget: "HTTP://evil.example:80?x") == "evil.example:80")
    #expect(HostName.authority(ofTarget: "http://localhost@evil.example#x") == "localhost@evil.example")
    #expect(HostName.authority(ofTarget: "http:///x") == "")
    #expect(HostName.authority(ofTarget: "/api?to=http://evil.example/") == nil)
    #expect(HostName.authority(ofTarget: "*") == nil)
  }
}
