import Testing

@testable import tandem

@Suite struct AccessTextTests {
  private let digest = String(repeating: "AB", count: 32)

  @Test func apiKeysAreNameDigestAndWhatTheyMayDo() {
    #expect(APIKeyDigest("ci:\(digest)")?.digest == digest.lowercased())
    #expect(APIKeyDigest("ci:\(digest)")?.scopes == [])
    #expect(APIKeyDigest("ci:\(digest):create+read")?.scopes == ["create", "read"])
    #expect(APIKeyDigest("ci:\(digest):admin")?.scopes == ["admin"])
  }

  @Test func otherTextsAreNoAPIKey() {
    for text in [
      "ci", ":\(digest)", "ci:\(digest):x", "c i:\(digest)", "ci:\(digest.dropLast())", "ci:\(digest.dropLast())g",
      "ci:\(digest):", "ci:\(digest):read+", "ci:\(digest):read+read", "ci:\(digest):Read", "ci:\(digest):read,create",
      "ci:\(digest):read:create",
    ] {
      #expect(APIKeyDigest(text) == nil, "\(text)")
    }
  }

  @Test(arguments: ["team.example", "localhost", "a", "my_box", "10.0.0.7", "::1", "[::1]", "xn--bcher-kva.example"])
  func hostsAreNamesAndAddresses(text: String) {
    #expect(HostText.rule.accepts(text))
  }

  @Test(arguments: [
    "", "team.example:8080", "https://team.example", "team..example", ".example", "-a.example", "a b", "*.example",
    "[team.example]", "[::1", "::g", "team.example/", String(repeating: "a", count: 64),
  ])
  func otherTextsAreNoHost(text: String) {
    #expect(!HostText.rule.accepts(text))
  }

  @Test(arguments: ["https://team.example", "http://10.0.0.7:3000", "http://[::1]:8080", "https://[2001:db8::1]"])
  func originsAreSchemeHostAndPort(text: String) {
    #expect(OriginText.rule.accepts(text))
  }

  @Test(arguments: [
    "*", "null", "team.example", "https://team.example/", "https://team.example/a", "ftp://team.example", "https://",
    "https://team.example:0", "https://team.example:x", "https://team.example:", "https://::1", "https://a@b",
  ])
  func otherTextsAreNoOrigin(text: String) {
    #expect(!OriginText.rule.accepts(text))
  }
}
