import Testing

@testable import HTTPGateway

/// Which pages may call a node: what somebody's browser was tricked into sending must change and show nothing.
@Suite struct OriginRulesTests {
  private let rules = OriginRules(listed: ["https://app.example", "http://localhost:3000", "vscode-webview://abc"])

  private func decide(
    _ method: String, host: String? = "localhost:8080", origin: String? = nil, site: String? = nil,
    preflight: String? = nil, credentialed: Bool = false, _ rules: OriginRules? = nil
  ) -> OriginRules.Decision {
    (rules ?? self.rules).decide(
      .init(method: method, authority: host, origin: origin, site: site, preflightMethod: preflight),
      isCredentialed: credentialed)
  }

  @Test(arguments: ["POST", "PATCH", "DELETE", "PUT", "PROPFIND", "post", "get"])
  func anotherSitesPageChangesNothing(method: String) {
    for origin in [
      "https://evil.example", "http://evil.example:8080", "null", "http://localhost", "https://localhost:8080x",
    ] {
      #expect(decide(method, origin: origin) == .refuse, "\(origin)")
    }
    #expect(decide(method, site: "cross-site") == .refuse, "an old browser's form has no Origin")
  }

  @Test func anotherSitesPageReadsNothingWithCredentials() {
    for method in ["GET", "HEAD", "OPTIONS"] {
      #expect(decide(method, origin: "https://evil.example", credentialed: true) == .refuse)
      #expect(decide(method, site: "cross-site", credentialed: true) == .refuse)
      #expect(decide(method, origin: "https://evil.example") == .take, "without CORS headers it cannot see the answer")
      #expect(decide(method, site: "cross-site") == .take, "a link on another site leads here")
    }
  }

  @Test func credentialsAreOnlyLookedForWhereTheyMatter() {
    var looked = false
    func look() -> Bool {
      looked = true
      return true
    }
    for origin in [nil, "http://localhost:8080", "https://app.example"] {
      let request = OriginRules.Request(method: "GET", authority: "localhost:8080", origin: origin)
      #expect(rules.decide(request, isCredentialed: look()) != .refuse)
    }
    #expect(!looked)
  }

  @Test(arguments: [
    ("http://localhost:8080", "localhost:8080"), ("HTTP://LOCALHOST:8080", "localhost:8080"),
    ("https://node.example", "node.example"), ("https://node.example", "node.example:443"),
    ("http://node.example", "node.example:80"), ("http://[::1]:8080", "[::1]:8080"),
    ("http://[0::1]:8080", "[::1]:8080"), ("http://evil.example:8080", "evil.example:8080"),
  ])
  func aPageOfTheNodesOwnNameDoesWhatItWants(origin: String, host: String) {
    for site in [nil, "same-origin", "none"] {
      #expect(decide("POST", host: host, origin: origin, site: site, credentialed: true) == .take)
    }
  }

  @Test(arguments: [
    ("http://localhost:8080", "localhost:8081"), ("http://localhost:8080", "localhost"),
    ("http://localhost", "localhost:8080"),
    ("https://node.example", "node.example:80"), ("http://node.example", "node.example:443"),
    ("http://127.0.0.1:8080", "localhost:8080"), ("http://a.node.example", "node.example"),
    ("ftp://node.example", "node.example"), ("file://", "localhost:8080"), ("null", "localhost:8080"),
    ("null", "null"), ("", "localhost:8080"), ("http://localhost:8080/", "localhost:8080"),
    ("http://localhost:8080, http://localhost:8080", "localhost:8080"), ("http://localhost:8080 ", "localhost:8080"),
    ("http://user@localhost:8080", "localhost:8080"), ("localhost:8080", "localhost:8080"),
    ("http:localhost:8080", "localhost:8080"), ("http:///localhost:8080", "localhost:8080"),
  ])
  func anotherPortSchemeOrNameIsAnotherSite(origin: String, host: String) {
    #expect(decide("POST", host: host, origin: origin) == .refuse)
  }

  @Test func aHostThatIsMissingOrCannotBeReadIsNobodysOwn() {
    #expect(decide("POST", host: nil, origin: "http://localhost:8080") == .refuse)
    #expect(decide("POST", host: "localhost:8080@x", origin: "http://localhost:8080") == .refuse)
  }

  @Test func aPageThatWasChangedOnItsWayIsAnotherSiteToTheBrowser() {
    // http://node.example, made by whoever controls the network, calls https://node.example behind a TLS proxy.
    #expect(decide("POST", host: "node.example", origin: "http://node.example", site: "cross-site") == .refuse)
  }

  @Test func programsSayNothingAboutPages() {
    #expect(decide("POST", credentialed: true) == .take)
    #expect(decide("DELETE", host: nil, credentialed: true) == .take)
    #expect(decide("POST", site: "same-origin", credentialed: true) == .take)
  }

  @Test(arguments: ["https://app.example", "https://app.example:443", "http://localhost:3000", "vscode-webview://abc"])
  func aListedPageIsTakenAndAnsweredByName(origin: String) {
    for method in ["GET", "POST", "DELETE"] {
      #expect(decide(method, origin: origin, site: "cross-site", credentialed: true) == .takeFrom(origin))
    }
    #expect(decide("OPTIONS", origin: origin, preflight: "POST") == .preflight(origin))
    #expect(decide("OPTIONS", origin: origin) == .takeFrom(origin), "no preflight without what it asks for")
  }

  @Test func whatOnlyLooksLikeAListedPageIsNot() {
    for origin in [
      "http://app.example", "https://app.example:8443", "https://app.example.evil.example", "https://xapp.example",
      "https://app.example.", "https://app.example/", "https://app.example@evil.example", "https://localhost:3000",
    ] {
      #expect(decide("POST", origin: origin) == .refuse, "\(origin)")
      #expect(decide("OPTIONS", origin: origin, preflight: "POST") == .refuse, "\(origin)")
    }
  }

  @Test func nothingIsListedUnlessItIsAnOrigin() {
    let rules = OriginRules(listed: ["*", "null", "evil.example", "https://evil.example/", "https://*.example", ""])
    for origin in ["null", "https://evil.example", "*", "https://x.example"] {
      #expect(decide("POST", origin: origin, rules) == .refuse, "\(origin)")
    }
    #expect(!rules.vary)
    #expect(self.rules.vary)
  }
}
