import NIOCore

/// Which addresses only this machine can reach, and what else is to be told from an address.
///
/// Isolation: pure functions.
enum LoopbackAddress {
  /// Whether it is `localhost` or a loopback address; false for anything in doubt.
  static func contains(_ host: String) -> Bool {
    if host.lowercased() == "localhost" { return true }
    guard let address = try? SocketAddress(ipAddress: host, port: 0) else { return false }
    switch address {
    case .v4: return host.hasPrefix("127.")
    case .v6: return address.ipAddress == "::1"
    case .unixDomainSocket: return false
    }
  }

  /// Whether it is an IPv6 address.
  static func isIPv6(_ text: String) -> Bool {
    guard let address = try? SocketAddress(ipAddress: text, port: 0), case .v6 = address else { return false }
    return true
  }

  /// Whether listening on it means listening on every address of this machine.
  static func isEveryAddress(_ host: String) -> Bool {
    guard let address = try? SocketAddress(ipAddress: host, port: 0) else { return false }
    return ["0.0.0.0", "::"].contains(address.ipAddress)
  }
}
