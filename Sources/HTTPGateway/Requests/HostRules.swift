/// The names this node answers to. A value.
///
/// A page whose name is made to lead to 127.0.0.1 (DNS rebinding) is same-origin to its browser, so with `open` access
/// it could do all that somebody on this machine can. Its requests still carry its name as their `Host`.
struct HostRules: Sendable {
  private let isChecked: Bool
  private let entries: [HostName]

  /// - Parameters:
  ///   - hosts: names beyond those of loopback addresses.
  ///   - listening: the address that is listened on.
  init(access: AccessPolicy, hosts: [String], listening: String) {
    isChecked = access == .open
    entries = (hosts + [listening]).compactMap { HostName(listening: $0) }
  }

  /// Whether a request for this host is taken.
  ///
  /// - Parameter authority: of the target in absolute form, else the `Host`; nil when the request has none.
  func allows(_ authority: String?) -> Bool {
    guard isChecked else { return true }
    guard let host = authority.flatMap({ HostName($0) }) else { return false }
    return host.isLoopback || entries.contains { host.matches($0) }
  }
}
