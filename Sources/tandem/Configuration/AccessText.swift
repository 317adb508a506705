import Foundation
import HTTPGateway

/// An entry of `apiKeys`: a name for the logs, the digest of the secret, and what the key may do.
///
/// Isolation: an immutable value.
struct APIKeyDigest: Sendable, Hashable {
  /// What a key may be allowed to do; one without scopes may do everything.
  static let scopes = ["create", "read", "admin"]

  static let rule = TextRule(
    "NAME:DIGEST or NAME:DIGEST:SCOPES, a name, the 64 hex digits of the key's SHA-256, and \(scopes.joined(separator: ", ")) joined by +"
  ) { APIKeyDigest($0) != nil }

  /// The name that appears in logs.
  let name: String
  /// The SHA-256 of the key, in lower-case hex.
  let digest: String
  /// What it may do; empty stands for everything.
  let scopes: [String]

  /// Reads an entry; nil when it has another form.
  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), (1...64).contains(parts[0].utf8.count), parts[1].utf8.count == 64,
      parts[0].utf8.allSatisfy({ Self.nameBytes.contains($0) }),
      parts[1].utf8.allSatisfy({ Self.hexBytes.contains($0) })
    else { return nil }
    name = String(parts[0])
    digest = parts[1].lowercased()
    scopes = parts.count == 2 ? [] : parts[2].split(separator: "+", omittingEmptySubsequences: false).map(String.init)
    guard scopes.allSatisfy(Self.scopes.contains), Set(scopes).count == scopes.count else { return nil }
  }

  private static let nameBytes = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-".utf8)
  private static let hexBytes = Set("0123456789abcdefABCDEF".utf8)
}

/// Names a `Host` header may hold.
///
/// Isolation: pure functions.
enum HostText {
  static let rule = TextRule("a host name or an IP address, without scheme and port", accepts: isHost)

  /// Letters, digits, dots and dashes, or the digits and colons of an IPv6 address, in brackets or not.
  @Sendable static func isHost(_ text: String) -> Bool {
    var name = text[...]
    if name.first == "[" {
      guard name.last == "]", name.contains(":") else { return false }
      name = name.dropFirst().dropLast()
    }
    guard (1...253).contains(name.utf8.count) else { return false }
    if name.contains(":") { return LoopbackAddress.isIPv6(String(name)) }
    return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy(labelBytes.contains)
    }
  }

  private static let labelBytes = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
}

/// Origins of web pages, as browsers send them.
///
/// Isolation: pure functions.
enum OriginText {
  static let rule = TextRule("an origin such as https://team.example or http://10.0.0.7:3000, without a path") { text in
    guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else { return false }
    var host = text.dropFirst(scheme.count)
    // The port stands behind the last colon, but not one of those in an IPv6 address.
    if host.last != "]", let colon = host.lastIndex(of: ":") {
      let port = host[host.index(after: colon)...]
      guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port), (1...65_535).contains(number)
      else { return false }
      host = host[..<colon]
    }
    return (!host.contains(":") || host.first == "[") && HostText.isHost(String(host))
  }
}
