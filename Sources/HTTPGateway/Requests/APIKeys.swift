import Basics
import Crypto

/// What the holder of an API key may do.
public enum APIKeyScope: String, Sendable, CaseIterable {
  /// Register host sessions and share them.
  case create
  /// List sessions and read any of them, exports and metrics too.
  case read
  /// Everything.
  case admin
}

/// The API keys of a configuration, as names, SHA-256 digests and scopes; the keys themselves are not kept. A value.
public struct APIKeys: Sendable {
  /// One key.
  public struct Entry: Sendable {
    /// What logs call it.
    public let name: String
    /// What it is for; never empty.
    public let scopes: Set<APIKeyScope>
    let digest: [UInt8]

    /// Reads `name:sha256hex` or `name:sha256hex:scope+scope`; a key without scopes has all of them.
    ///
    /// - Returns: nil when the name is empty, the digest is not 64 hexadecimal digits, or a scope is unknown.
    public init?(_ text: some StringProtocol) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard (2...3).contains(parts.count), !parts[0].isEmpty, let digest = Hexadecimal.decode(parts[1]),
        digest.count == SHA256.byteCount
      else { return nil }
      self.name = String(parts[0])
      self.digest = digest
      guard parts.count == 3 else {
        scopes = Set(APIKeyScope.allCases)
        return
      }
      let words = parts[2].split(separator: "+", omittingEmptySubsequences: false)
      let scopes = words.compactMap { APIKeyScope(rawValue: String($0)) }
      guard scopes.count == words.count else { return nil }
      self.scopes = Set(scopes)
    }

    /// Whether it is for this, by itself or because it is for everything.
    func allows(_ scope: APIKeyScope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }
  }

  /// The entries, at most a few dozen: each check looks at all of them.
  public let entries: [Entry]

  /// Gathers entries.
  public init(_ entries: [Entry] = []) {
    self.entries = entries
  }

  /// The entry a key belongs to. Takes the same time whichever entry matches, and whether one does.
  func entry(of key: String) -> Entry? {
    let digest = Array(SHA256.hash(data: Array(key.utf8)))
    var found: Entry?
    for entry in entries {
      var difference: UInt8 = 0
      for (left, right) in zip(entry.digest, digest) { difference |= left ^ right }
      if difference == 0 { found = entry }
    }
    return found
  }
}
