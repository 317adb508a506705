import NIOCore

/// Which addresses only this machine can reach.
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
}
