import Testing

@testable import HTTPGateway

@Suite struct TrustedProxiesTests {
  @Test(arguments: [
    ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.128.0.0/9", "10.127.0.1", false),
    ("10.128.0.0/9", "10.128.0.1", true), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
    ("0.0.0.0/0", "203.0.113.1", true), ("0.0.0.0/0", "2001:db8::1", false), ("::1", "::1", true),
    ("fd00::/8", "fd12::1", true), ("fd00::/8", "fe80::1", false), ("10.0.0.0/8", "::ffff:10.0.0.1", true),
  ])
  func aRangeHolds(_ range: String, _ address: String, _ expected: Bool) throws {
    let bytes = try #require(IPAddress.bytes(address))
    #expect(try #require(AddressRange(range)).contains(bytes) == expected)
  }

  @Test(arguments: ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::/129", "localhost", "10.0.0.0/8/8"])
  func whatIsNoRangeIsRefused(_ text: String) {
    #expect(AddressRange(text) == nil)
  }

  @Test(arguments: [
    (nil, "10.0.0.1"), ("", "10.0.0.1"), ("203.0.113.1", "203.0.113.1"),
    ("198.51.100.1, 203.0.113.1", "203.0.113.1"), ("203.0.113.1,10.0.0.2 , 10.0.0.3", "203.0.113.1"),
    ("203.0.113.1, unknown, 10.0.0.2", "10.0.0.2"), ("10.0.0.9", "10.0.0.9"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("::ffff:203.0.113.1", "203.0.113.1"),
  ])
  func theFirstAddressThatIsNoProxysIsTheClients(_ header: String?, _ expected: String) throws {
    let proxies = try TrustedProxies(ranges: [#require(AddressRange("10.0.0.0/8"))])
    #expect(proxies.client(peer: "10.0.0.1", forwardedFor: header) == expected)
  }

  @Test func whoIsNotTrustedIsNotBelieved() throws {
    let proxies = try TrustedProxies(ranges: [#require(AddressRange("10.0.0.0/8"))])
    #expect(proxies.client(peer: "203.0.113.5", forwardedFor: "198.51.100.1") == "203.0.113.5")
    #expect(TrustedProxies(ranges: []).client(peer: "10.0.0.1", forwardedFor: "198.51.100.1") == "10.0.0.1")
    #expect(proxies.client(peer: nil, forwardedFor: "198.51.100.1") == nil)
    let long = Array(repeating: "10.0.0.2", count: 40).joined(separator: ",")
    #expect(proxies.client(peer: "10.0.0.1", forwardedFor: "203.0.113.1," + long) == "10.0.0.2")
  }
}
