import HTTPGateway
import Testing

@testable import tandem

@Suite struct AccessTextTests {
  private let digest = String(repeating: "AB", count: 32)

  @Test func apiKeysAreNameDigestAndWhatTheyMayDo() throws {
    for text in ["ci:\(digest)", "ci:\(digest):create+read", "c.i_-1:\(digest.lowercased()):admin"] {
      #expect(AccessText.apiKey.accepts(text), "\(text)")
    }
    let keys = try configuration(flags: ["apiKeys": "ci:\(digest):create+read,ops:\(digest)"]).apiKeys
    #expect(keys.map { $0.scopes.map(\.rawValue).sorted() } == [["create", "read"], ["admin", "create", "read"]])
  }

  @Test func otherTextsAreNoAPIKey() {
    for text in [
      "ci", ":\(digest)", "ci:\(digest):x", "c i:\(digest)", "ci:\(digest.dropLast())", "ci:\(digest.dropLast())g",
      "ci:\(digest):", "ci:\(digest):read+", "ci:\(digest):Read", "ci:\(digest):read:create",
      String(repeating: "a", count: 65) + ":\(digest)",
    ] {
      #expect(!AccessText.apiKey.accepts(text), "\(text)")
    }
  }

  @Test(arguments: ["team.example", "team.example:8443", "localhost", "10.0.0.7", "[::1]", "xn--bcher-kva.example"])
  func hostsAreNamesAndAddresses(text: String) {
    #expect(AccessText.host.accepts(text))
  }

  @Test(arguments: [
    "", "https://team.example", "team..example", "a b", "*.example", "[team.example]", "[::1", "::1", "team.example/",
    "team.example:x",
  ])
  func otherTextsAreNoHost(text: String) {
    #expect(!AccessText.host.accepts(text))
  }

  @Test(arguments: ["https://team.example", "http://10.0.0.7:3000", "http://[::1]:8080", "https://[2001:db8::1]"])
  func originsAreSchemeHostAndPort(text: String) {
    #expect(AccessText.origin.accepts(text))
  }

  @Test(arguments: [
    "*", "null", "team.example", "https://team.example/", "https://team.example/a", "ftp://team.example", "https://",
    "https://team.example:x", "https://::1", "https://a@b",
  ])
  func otherTextsAreNoOrigin(text: String) {
    #expect(!AccessText.origin.accepts(text))
  }
}
