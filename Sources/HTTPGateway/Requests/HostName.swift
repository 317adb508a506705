/// A host as `Host` and the configuration's `hosts` name it, with its port if it was given (RFC 9110, 7.2). A value.
///
/// It is read more strictly than a browser or a resolver would: what only might be a loopback address, such as
/// `2130706433`, `127.1` or `localhost.`, is a name like any other.
public struct HostName: Sendable, Hashable {
  /// In lower case; an IP address in its usual form, without brackets.
  let name: String
  let port: Int?
  /// The bytes of an IP address.
  private let address: [UInt8]?

  /// Reads `name`, `name:port`, `127.0.0.1:port` or `[::1]:port`; nil for anything else.
  public init?(_ text: some StringProtocol) {
    guard (1...261).contains(text.utf8.count), text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    let rest: Substring
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      let inside = text[text.index(after: text.startIndex)..<end]
      guard inside.contains(":"), let bytes = IPAddress.bytes(inside), let name = IPAddress.text(bytes) else {
        return nil
      }
      (self.name, self.address) = (name, bytes)
      rest = Substring(text[text.index(after: end)...])
    } else {
      let name = text.prefix { $0 != ":" }.lowercased()
      guard Self.isName(name) else { return nil }
      (self.name, self.address) = (name, IPAddress.bytes(name))
      rest = Substring(text.dropFirst(name.utf8.count))
    }
    guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
    port = rest.isEmpty ? nil : Self.port(rest.dropFirst())
    guard rest.isEmpty || port != nil else { return nil }
  }

  /// Reads an address that is listened on, where an IPv6 address needs no brackets.
  init?(listening text: String) {
    guard let host = HostName(text) ?? HostName("[\(text)]") else { return nil }
    self = host
  }

  /// Whether it can only be this machine, whoever resolves it.
  var isLoopback: Bool { address.map(IPAddress.isLoopback) ?? (name == "localhost") }

  /// Whether it is meant by an entry of a list: of the same name, and of the same port if the entry has one.
  func matches(_ entry: HostName) -> Bool {
    guard name == entry.name else { return false }
    guard let asked = entry.port else { return true }
    return port == asked || (port == nil && (asked == 80 || asked == 443))
  }

  /// The authority of a request target in absolute form; nil for one of another form.
  static func authority(ofTarget target: String) -> Substring? {
    guard !target.hasPrefix("/"), let scheme = target.firstRange(of: "://") else { return nil }
    return target[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
  }

  private static func isName(_ text: String) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return labels.allSatisfy { label in
      !label.isEmpty
        && label.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
          default: false
          }
        }
    }
  }

  private static func port(_ digits: Substring) -> Int? {
    guard (1...5).contains(digits.utf8.count),
      digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(digits),
      number <= 65_535
    else { return nil }
    return number
  }
}
