/// Makes the keys under which calls may be repeated; functions without state.
///
/// Whoever knows a key and the call gets its answer, which may hold tokens: so a key is as hard to guess as a token.
enum IdempotencyKey {
  /// Random bytes in a key; 16 are the least a node takes where an answer holds tokens.
  static let bytes = 24
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

  /// A new key: 32 characters of six random bits each.
  static func make() -> String {
    var generator = SystemRandomNumberGenerator()
    return String((0..<(bytes * 8 / 6)).map { _ in digits[Int(generator.next(upperBound: UInt(64)))] })
  }
}
