/// Tells names that look as if they named a secret, such as `DB_PASSWORD`, `clientSecret` or `x-api-key`; functions
/// without state.
enum SecretName {
  /// Bytes of a name that are looked at, its last ones.
  static let maximumBytes = 64

  /// Words that make a name one of a secret.
  private static let secrets: Set<String> = [
    "password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "credentials", "apikey",
    "authorization", "accesskey", "secretkey", "privatekey", "signingkey", "accountkey",
  ]
  /// Such words when another stands before them: alone they mean too much else.
  private static let secretsBehindAnother: Set<String> = ["pass", "pwd"]
  /// Ends of words written without a break, such as `dbpassword`.
  private static let secretEnds = ["password", "passwd", "secret", "token", "apikey", "passphrase"]
  /// What a key is for, when it is one that nobody else may have.
  private static let keys: Set<String> = [
    "api", "access", "private", "secret", "signing", "encryption", "account", "auth", "master", "deploy", "license",
    "shared", "storage", "service", "ssh", "crypt", "subscription", "admin", "root", "client", "webhook",
  ]
  /// Last words of names for what may be known of a secret.
  private static let harmless: Set<String> = [
    "name", "names", "file", "files", "filename", "path", "paths", "dir", "directory", "url", "uri", "endpoint", "id",
    "ids", "arn", "count", "counts", "length", "len", "size", "limit", "limits", "type", "types", "kind", "version",
    "field", "fields", "header", "headers", "policy", "prefix", "suffix", "sock", "socket", "ttl", "expiry", "expires",
    "expiration", "age", "index", "usage", "budget", "required", "enabled", "ref", "label", "placeholder", "regex",
    "pattern", "hint", "strength", "store", "manager", "provider", "helper", "class", "error", "list",
  ]

  /// Whether a name looks as if it named a secret.
  static func isSecret(_ name: some BidirectionalCollection<UInt8>) -> Bool {
    // Nothing that counts is shorter, and most of what stands before a colon or an equals sign is.
    guard name.count > 4 else { return false }
    let words = words(of: name.suffix(maximumBytes))
    guard let last = words.last, !harmless.contains(last) else { return false }
    if words == ["oldpwd"] { return false }
    return words.indices.contains { index in
      let word = words[index]
      if secrets.contains(word) || secretEnds.contains(where: { word.hasSuffix($0) }) { return true }
      guard index > 0 else { return false }
      return secretsBehindAnother.contains(word) || word == "key" && keys.contains(words[index - 1])
    }
  }

  /// Whether a name looks as if it named a secret.
  static func isSecret(_ name: String) -> Bool { isSecret(Array(name.utf8)) }

  /// The words of a name in small letters: separated by signs, or by a capital behind a small letter.
  private static func words(of name: some Sequence<UInt8>) -> [String] {
    var words: [String] = []
    var word: [UInt8] = []
    var wasSmall = false
    func end() {
      if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
      word.removeAll(keepingCapacity: true)
    }
    for byte in name {
      let isCapital = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
      if isCapital, wasSmall { end() }
      if ByteSet.alphanumeric.contains(byte) { word.append(isCapital ? byte | 0x20 : byte) } else { end() }
      wasSmall = UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
    }
    end()
    return words
  }
}
