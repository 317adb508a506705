import HTTPGateway

/// What the keys about access take, where the gateway knows what such a text means.
///
/// Isolation: pure functions.
enum AccessText {
  /// An entry of `apiKeys`. Its name stands in logs, so it is kept to letters, digits and ._-.
  static let apiKey = TextRule(
    "NAME:DIGEST or NAME:DIGEST:SCOPES, a name, the 64 hex digits of the key's SHA-256, and "
      + APIKeyScope.allCases.map(\.rawValue).joined(separator: ", ") + " joined by +"
  ) { text in
    guard let name = APIKeys.Entry(text)?.name else { return false }
    return (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(nameBytes.contains)
  }

  /// A name that `Host` may hold.
  static let host = TextRule("a host name or an IP address (IPv6 in brackets), with or without a port") { text in
    HostName(text) != nil
  }

  /// Where a page is from, as browsers say it.
  static let origin = TextRule("an origin such as https://team.example or http://10.0.0.7:3000, without a path") {
    text in
    ["https://", "http://"].contains(where: text.hasPrefix) && WebOrigin(text) != nil
  }

  private static let nameBytes = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-".utf8)
}
