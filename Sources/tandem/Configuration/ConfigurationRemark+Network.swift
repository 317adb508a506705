import HTTPGateway
import Logging

/// What an operator should know about a listener that other machines can reach.
extension ConfigurationRemark {
  /// What is worth saying about a configuration that is right.
  static func about(_ configuration: TandemConfiguration) -> [ConfigurationRemark] {
    let host = configuration.gateway.host
    guard !configuration.isLocal else { return [] }
    var remarks = [
      ConfigurationRemark(
        level: .warning, message: "tokens travel in clear unless a proxy in front speaks TLS",
        detail: "host is \(host); let clients reach it only through such a proxy")
    ]
    if configuration.access == .open, LoopbackAddress.isEveryAddress(host), configuration.gateway.hosts.isEmpty {
      remarks.append(
        ConfigurationRemark(
          level: .warning, message: "requests from other machines are refused until hosts names this one",
          detail: "host is \(host); give as hosts the names and addresses that clients call this machine by"))
    }
    return remarks
  }
}
