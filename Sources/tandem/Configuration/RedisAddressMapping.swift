import RedisClient

/// Where a server is reached that others know under another address.
///
/// Isolation: an immutable value.
struct RedisAddressMapping: Sendable, Hashable {
  /// What Sentinels or a cluster call it.
  let told: RedisEndpoint
  /// Where it is reached from here.
  let reached: RedisEndpoint

  static let rule = TextRule("TOLD=REACHED, both as HOST:PORT") { RedisAddressMapping($0) != nil }

  /// Reads `TOLD=REACHED`; nil when it is anything else.
  init?(_ text: String) {
    let sides = text.split(separator: "=", omittingEmptySubsequences: false).map { RedisEndpoint(address: String($0)) }
    guard sides.count == 2, let told = sides[0], let reached = sides[1] else { return nil }
    self.told = told
    self.reached = reached
  }
}
