/// Where a page is from, as a browser says it: `https://example.org` or `http://localhost:3000`. A value.
public struct WebOrigin: Sendable, Hashable {
  private let scheme: String
  private let host: String
  private let port: Int?

  /// Reads a scheme and a host with or without a port; nil for anything else, such as `null` or an address with a path.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, parts[1].hasPrefix("//"), let host = HostName(parts[1].dropFirst(2)),
      parts[0].utf8.first.map({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }) ?? false,
      parts[0].utf8.allSatisfy({ ($0 & 0x80) == 0 && !"/?#@[] ".utf8.contains($0) })
    else { return nil }
    scheme = parts[0].lowercased()
    self.host = host.name
    port = host.port ?? Self.defaultPort(scheme)
  }

  /// Whether a page of this origin has the request's host as its own. A node behind a proxy cannot know whether its
  /// clients use TLS, so a host without a port has the origin's.
  func isOf(_ authority: String?) -> Bool {
    guard let own = Self.defaultPort(scheme), let asked = authority.flatMap({ HostName($0) }) else { return false }
    return asked.name == host && (asked.port ?? own) == port
  }

  private static func defaultPort(_ scheme: String) -> Int? {
    switch scheme {
    case "http": 80
    case "https": 443
    default: nil
    }
  }
}

/// Which pages in browsers may call this node. A value.
///
/// What changes nothing and carries no credentials may be asked by anybody: without CORS headers a browser does not let
/// another site's page read the answer.
struct OriginRules: Sendable {
  /// What a browser says of a request. A value.
  struct Request: Sendable {
    /// Its method.
    var method: String
    /// The host it is for.
    var authority: String?
    /// Its `Origin`; nil when there is none, as from programs and in plain reads of a page's own site.
    var origin: String?
    /// Its `Sec-Fetch-Site`.
    var site: String?
    /// Its `Access-Control-Request-Method`, by which a preflight is known.
    var preflightMethod: String?
  }

  /// What to do with it.
  enum Decision: Equatable, Sendable {
    /// Answer it without CORS headers.
    case take
    /// Answer it, and let pages of this origin read the answer.
    case takeFrom(String)
    /// Tell the browser what pages of this origin may send.
    case preflight(String)
    case refuse
  }

  private let listed: Set<WebOrigin>

  init(listed: [String]) {
    self.listed = Set(listed.compactMap { WebOrigin($0) })
  }

  /// Whether answers differ by origin, which caches have to know.
  var vary: Bool { !listed.isEmpty }

  func decide(_ request: Request, isCredentialed: @autoclosure () -> Bool) -> Decision {
    let isPreflight = request.method == "OPTIONS" && request.preflightMethod != nil
    if let text = request.origin {
      let origin = WebOrigin(text)
      if let origin, listed.contains(origin) { return isPreflight ? .preflight(text) : .takeFrom(text) }
      if let origin, request.site != "cross-site", origin.isOf(request.authority) { return .take }
    } else if request.site != "cross-site" {
      return .take
    }
    guard !isPreflight, ["GET", "HEAD", "OPTIONS"].contains(request.method), !isCredentialed() else { return .refuse }
    return .take
  }
}
