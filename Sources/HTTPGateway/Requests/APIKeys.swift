import Crypto

/// A value: the API keys of a configuration, as names and SHA-256 digests; the keys themselves are not kept.
public struct APIKeys: Sendable {
  /// One key.
  public struct Entry: Sendable {
    /// What logs call it.
    public let name: String
    let digest: [UInt8]

    /// Reads `name:sha256hex`.
    ///
    /// - Returns: nil when the name is empty or the digest is not 64 hexadecimal digits.
    public init?(_ text: some StringProtocol) {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, let digest = Self.bytes(hex: parts[1]) else { return nil }
      self.name = String(parts[0])
      self.digest = digest
    }

    private static func bytes(hex: some StringProtocol) -> [UInt8]? {
      let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue.map(UInt8.init) }
      guard hex.utf8.count == 64, digits.count == 64 else { return nil }
      return stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
  }

  /// The entries, at most a few dozen: each check looks at all of them.
  public let entries: [Entry]

  /// Gathers entries.
  public init(_ entries: [Entry] = []) {
    self.entries = entries
  }

  /// The name of the entry a key belongs to. Takes the same time whichever entry matches, and whether one does.
  func name(of key: String) -> String? {
    let digest = Array(SHA256.hash(data: Array(key.utf8)))
    var found: String?
    for entry in entries {
      var difference: UInt8 = 0
      for (left, right) in zip(entry.digest, digest) { difference |= left ^ right }
      if difference == 0 { found = entry.name }
    }
    return found
  }
}
