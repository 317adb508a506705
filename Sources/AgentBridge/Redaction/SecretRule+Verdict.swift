extension SecretRule {
  /// Bytes of a part of a web token that are looked through for its end.
  private static let webTokenPart = 4 * 1024
  /// Bytes of an address in which its user's name and password must stand.
  private static let addressBytes = 512
  /// Bytes of a key's block that are removed when its end is missing.
  private static let keyBlockBytes = 16 * 1024

  /// What is known of a place at which this rule's beginning stands.
  ///
  /// - Parameters:
  ///   - start: where the beginning stands.
  ///   - end: the first byte behind it.
  ///   - isEnd: whether nothing follows the text.
  func verdict(_ text: [UInt8], from start: Int, behind end: Int, isEnd: Bool) -> SecretPatterns.Verdict {
    switch form {
    case .whole: return .secret(kind: kind, start..<end, rest: nil)
    case .followed(let set, let minimum):
      let behind = Self.skip(set, text, end, atMost: minimum)
      if behind - end == minimum { return .secret(kind: kind, start..<behind, rest: .following(set)) }
      guard behind == text.count, !isEnd else { return .nothing }
      return .undecided(safe: behind == end ? end - start : 0)
    case .webToken: return webToken(text, start, end, isEnd)
    case .keyBlock: return keyBlock(text, start, end, isEnd)
    case .address: return address(text, start, end, isEnd)
    }
  }

  /// The first byte from `start` on that isn't in the set, or the one behind the most that are looked at.
  private static func skip(_ set: ByteSet, _ text: [UInt8], _ start: Int, atMost count: Int) -> Int {
    var offset = start
    while offset < text.count, offset - start < count, set.contains(text[offset]) { offset += 1 }
    return offset
  }

  /// Two parts with a dot between them, of which the second begins as the first does, or has another behind it.
  private func webToken(_ text: [UInt8], _ start: Int, _ end: Int, _ isEnd: Bool) -> SecretPatterns.Verdict {
    let unknown: SecretPatterns.Verdict = isEnd ? .nothing : .undecided(safe: text.count == end ? end - start : 0)
    let first = Self.skip(.word, text, end, atMost: Self.webTokenPart)
    guard first < text.count else { return unknown }
    guard first - start >= 12, text[first] == UInt8(ascii: ".") else { return .nothing }
    let second = Self.skip(.word, text, first + 1, atMost: Self.webTokenPart)
    let rest = SecretPatterns.Rest.following(.name)
    if second - first > 8, text[first + 1..<first + 4].elementsEqual(beginning) {
      return .secret(kind: kind, start..<second, rest: rest)
    }
    guard second < text.count else { return unknown }
    guard second - first > 8, text[second] == UInt8(ascii: ".") else { return .nothing }
    return .secret(kind: kind, start..<second, rest: rest)
  }

  /// A line that says that a private key begins.
  private func keyBlock(_ text: [UInt8], _ start: Int, _ end: Int, _ isEnd: Bool) -> SecretPatterns.Verdict {
    let label = Self.skip(.label, text, end, atMost: 64)
    let behind = Self.skip(.dash, text, label, atMost: 5)
    guard behind - label == 5 else {
      return behind == text.count && !isEnd ? .undecided(safe: text.count - start) : .nothing
    }
    let words = String(decoding: text[end..<label], as: UTF8.self)
    guard words.hasSuffix("PRIVATE KEY") || words.hasSuffix("PRIVATE KEY BLOCK") else { return .nothing }
    return .secret(kind: kind, start..<behind, rest: .keyBlock(left: Self.keyBlockBytes))
  }

  /// What stands between a user's name and the host; also a name alone that is as long as a token.
  private func address(_ text: [UInt8], _ start: Int, _ end: Int, _ isEnd: Bool) -> SecretPatterns.Verdict {
    var (colon, at): (Int?, Int?) = (nil, nil)
    var offset = end
    while offset < text.count, offset - end < Self.addressBytes, !ByteSet.userEnd.contains(text[offset]) {
      if text[offset] == UInt8(ascii: ":"), colon == nil, at == nil { colon = offset }
      if text[offset] == UInt8(ascii: "@") { at = offset }
      offset += 1
    }
    if offset == text.count, offset - end < Self.addressBytes, !isEnd { return .undecided(safe: end - start) }
    guard let at else { return .nothing }
    let secret = colon.map { $0 + 1..<at } ?? end..<at
    guard !secret.isEmpty, colon != nil || secret.count >= 20, !SecretPatterns.isPlaceholder(text[secret.lowerBound])
    else { return .nothing }
    return .secret(kind: kind, secret, rest: nil)
  }
}
