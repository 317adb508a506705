import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A range of IP addresses, `10.0.0.0/8`, `fd00::/8` or a single address. A value.
public struct AddressRange: Sendable, Hashable {
  private let bytes: [UInt8]
  private let prefixLength: Int

  /// Reads an address or a range in CIDR notation (RFC 4632, RFC 4291); nil for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = parts.first, let bytes = IPAddress.bytes(String(address)) else { return nil }
    var length = bytes.count * 8
    if parts.count == 2 {
      guard parts[1].utf8.count <= 3, let asked = Int(parts[1]), (0...length).contains(asked) else { return nil }
      length = asked
    }
    (self.bytes, self.prefixLength) = (bytes, length)
  }

  func contains(_ address: [UInt8]) -> Bool {
    guard address.count == bytes.count else { return false }
    let (whole, rest) = prefixLength.quotientAndRemainder(dividingBy: 8)
    guard address.prefix(whole) == bytes.prefix(whole) else { return false }
    guard rest > 0 else { return true }
    return (address[whole] ^ bytes[whole]) >> UInt8(8 - rest) == 0
  }
}

/// The load balancers whose word about a client's address is taken. A value.
///
/// `X-Forwarded-For` is a list that each proxy appends the address of its peer to, so it is read from its end: the first
/// address that is no trusted proxy's is the client's, and what a client has written there itself is never reached.
struct TrustedProxies: Sendable {
  /// Longer lists than that come from nobody's network.
  private static let maximumHops = 16

  let ranges: [AddressRange]

  /// The client as its rate is counted: an IPv4 address, or the first half of an IPv6 address, because a single client
  /// of the Internet has all addresses of such a network.
  ///
  /// - Parameters:
  ///   - peer: the connection's other end; nil for a Unix socket.
  ///   - forwardedFor: the request's `X-Forwarded-For`, all its lines joined with commas.
  func client(peer: String?, forwardedFor: String?) -> String? {
    guard var client = address(peer: peer, forwardedFor: forwardedFor) else { return nil }
    if client.count == 16 { client.replaceSubrange(8..., with: repeatElement(0, count: 8)) }
    return IPAddress.text(client)
  }

  /// Whether a request comes from this machine: from a loopback peer that passes on nobody else's, or through a trusted
  /// proxy that says so.
  ///
  /// - Parameter isForwarded: whether any header says that a proxy was in between.
  func isLocal(peer: String?, forwardedFor: String?, isForwarded: Bool) -> Bool {
    guard let peer, let nearest = IPAddress.bytes(peer) else { return false }
    guard isForwarded else { return IPAddress.isLoopback(nearest) }
    guard forwardedFor != nil, ranges.contains(where: { $0.contains(nearest) }) else { return false }
    return address(peer: peer, forwardedFor: forwardedFor).map(IPAddress.isLoopback) ?? false
  }

  private func address(peer: String?, forwardedFor: String?) -> [UInt8]? {
    guard let peer, var client = IPAddress.bytes(peer) else { return nil }
    if let forwardedFor, !ranges.isEmpty {
      for hop in forwardedFor.split(separator: ",").reversed().prefix(Self.maximumHops) {
        guard ranges.contains(where: { $0.contains(client) }), let next = IPAddress.bytes(hop.trimmingBlanks()) else {
          break
        }
        client = next
      }
    }
    return client
  }
}

/// Pure functions: IP addresses as their 4 or 16 bytes.
enum IPAddress {
  /// The bytes; an IPv4 address mapped into IPv6 counts as IPv4.
  static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    guard text.utf8.count <= 45 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, String(text), &bytes) == 1 { return Array(bytes.prefix(4)) }
    guard inet_pton(AF_INET6, String(text), &bytes) == 1 else { return nil }
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
    return bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : bytes
  }

  /// Whether it is of 127.0.0.0/8 or ::1.
  static func isLoopback(_ bytes: [UInt8]) -> Bool {
    bytes.count == 4 ? bytes[0] == 127 : bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
  }

  static func text(_ bytes: [UInt8]) -> String? {
    try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0).ipAddress
  }
}
