/// The variables that Kubernetes and Docker set for a service or container that is called tandem, or tandem-something.
/// They have our prefix and are not ours.
///
/// Isolation: pure functions.
enum ServiceLinks {
  /// Whether a variable is one of them: `TANDEM_SERVICE_HOST`, `TANDEM_SERVICE_PORT_HTTP`,
  /// `TANDEM_PORT=tcp://10.0.0.1:8080`, `TANDEM_PORT_8080_TCP_ADDR`, `TANDEM_NAME=/web/tandem`, `TANDEM_ENV_PATH`, and
  /// the same of `TANDEM_REDIS_...`.
  static func contains(_ name: String, _ value: String) -> Bool {
    if name.hasSuffix("_PORT"), protocols.contains(where: { value.hasPrefix($0.lowercased() + "://") }) { return true }
    // Docker's own: the container's name as a path, and a copy of its environment.
    if name.hasSuffix("_NAME"), value.hasPrefix("/") { return true }
    if name.hasPrefix("TANDEM_ENV_") { return true }
    let words = name.split(separator: "_", omittingEmptySubsequences: false)
    if words.count >= 3, words.suffix(2) == ["SERVICE", "HOST"] { return true }
    for (index, word) in words.enumerated().dropFirst() where word == "PORT" {
      if index >= 2, words[index - 1] == "SERVICE" { return true }
      let rest = words[(index + 1)...]
      if isPort(rest) { return true }
    }
    return false
  }

  /// `8080`, `TCP`, and `ADDR`, `PORT`, `PROTO` or nothing.
  private static func isPort(_ words: ArraySlice<Substring>) -> Bool {
    guard (2...3).contains(words.count), let number = words.first.flatMap({ Int($0) }), (1...65_535).contains(number),
      protocols.contains(words.dropFirst().first.map(String.init) ?? "")
    else { return false }
    return words.count == 2 || ["ADDR", "PORT", "PROTO"].contains(words.last)
  }

  private static let protocols = ["TCP", "UDP", "SCTP"]
}
