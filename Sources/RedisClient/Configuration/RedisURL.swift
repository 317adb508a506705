internal import Basics

/// Why a Redis URL was not understood. A value; its message is one sentence and never holds the password.
public struct RedisURLError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong and what would be right.
  public let message: String

  /// The message.
  public var description: String { message }

  init(_ message: String) { self.message = message }
}

extension RedisClientConfiguration {
  /// Reads a configuration from one of these forms:
  ///
  /// - `redis://[user[:password]@]host[:port][/database]`
  /// - `rediss://...` the same over TLS; `?ca=FILE` trusts the certificates of that PEM file
  /// - `unix:///path/of/socket[?database=N&user=U&password=P]`
  /// - `redis+sentinel://[user[:password]@]host[:port],.../PRIMARY[/database]`, and `rediss+sentinel://` over TLS
  /// - `redis+cluster://[user[:password]@]host[:port],...`, and `rediss+cluster://` over TLS
  ///
  /// Ports default to 6379 and, for Sentinel, 26379. Reserved characters in user and password are percent-encoded. A password
  /// without a user is written `:password@`.
  ///
  /// - Parameter elsewhere: The password to use when the URL holds none.
  /// - Throws: `RedisURLError` naming the part that is wrong.
  public init(url: String, password elsewhere: String? = nil) throws(RedisURLError) {
    guard let separator = RedisURLParts.range(of: "://", in: url) else {
      throw RedisURLError(
        "The Redis URL has no scheme; it must start with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://."
      )
    }
    let scheme = url[..<separator.lowerBound].lowercased()
    let parts = try RedisURLParts(url[separator.upperBound...])
    switch scheme {
    case "redis", "rediss":
      self.init(topology: .standalone(try parts.singleEndpoint()))
      database = try parts.database(from: parts.path)
      tls = try parts.tls(isOn: scheme == "rediss")
    case "unix":
      self.init(topology: .standalone(.unixSocket(path: try parts.socketPath())))
      database = try parts.database(from: parts.query["database"] ?? "")
      tls = try parts.tls(isOn: false)
    case "redis+sentinel", "rediss+sentinel":
      let (primary, database) = try parts.primaryAndDatabase()
      self.init(topology: .sentinel(try parts.endpoints(defaultPort: 26_379), primary: primary))
      self.database = database
      tls = try parts.tls(isOn: scheme == "rediss+sentinel")
    case "redis+cluster", "rediss+cluster":
      self.init(topology: .cluster(try parts.endpoints(defaultPort: 6379)))
      guard parts.path.isEmpty else {
        throw RedisURLError("A Redis Cluster has only database 0; leave out what follows the hosts.")
      }
      tls = try parts.tls(isOn: scheme == "rediss+cluster")
    default:
      throw RedisURLError(
        "The Redis URL's scheme \"\(scheme)\" is unknown; use redis, rediss, unix, redis+sentinel, rediss+sentinel, redis+cluster or rediss+cluster."
      )
    }
    username = parts.user ?? parts.query["user"]
    password = parts.password ?? parts.query["password"] ?? elsewhere
    if username != nil, password == nil {
      throw RedisURLError(
        "The Redis URL names a user but no password; write user:password@, or :password@ for the default user.")
    }
  }
}

extension RedisEndpoint {
  /// A TCP address from text such as `redis1:6379` or `[::1]:6379`; nil for anything else.
  public init?(address text: String) {
    guard let port = text.split(separator: ":").last, Int(port) != nil, text.hasSuffix(":" + port),
      !text.contains(where: { $0.isWhitespace || "@/?#,=".contains($0) }),
      let endpoint = try? RedisURLParts.endpoint(text[...], defaultPort: 0), case .host(_, 1...) = endpoint
    else { return nil }
    self = endpoint
  }
}

/// The parts of a URL behind its scheme. A value.
private struct RedisURLParts {
  var user: String?
  var password: String?
  var hosts: Substring
  /// What follows the hosts, without the first slash.
  var path: String
  var query: [String: String] = [:]

  private static let queryNames: Set<String> = ["ca", "database", "user", "password"]

  init(_ rest: Substring) throws(RedisURLError) {
    guard !rest.contains(where: { $0 == "#" || $0.isWhitespace || $0 == "\0" }) else {
      throw RedisURLError("The Redis URL holds a blank or a #; write them percent-encoded, as %20 and %23.")
    }
    var rest = rest
    if let question = rest.firstIndex(of: "?") {
      for item in rest[rest.index(after: question)...].split(separator: "&") {
        let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(pair[0])
        guard Self.queryNames.contains(name), pair.count == 2 else {
          throw RedisURLError(
            "The Redis URL's option \"\(name)\" is unknown or has no value; options are ca, database, user and password."
          )
        }
        query[name] = try Self.decode(pair[1], "option \(name)")
      }
      rest = rest[..<question]
    }
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    var authority = rest[..<slash]
    path = try Self.decode(rest[slash...].dropFirst(), "path")
    if let at = authority.lastIndex(of: "@") {
      let login = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      authority = authority[authority.index(after: at)...]
      let name = try Self.decode(login[0], "user")
      user = name.isEmpty ? nil : name
      if login.count == 2 { password = try Self.decode(login[1], "password") }
    }
    hosts = authority
  }

  func endpoints(defaultPort: Int) throws(RedisURLError) -> [RedisEndpoint] {
    var endpoints: [RedisEndpoint] = []
    for host in hosts.split(separator: ",", omittingEmptySubsequences: false) {
      endpoints.append(try Self.endpoint(host, defaultPort: defaultPort))
    }
    return endpoints
  }

  func singleEndpoint() throws(RedisURLError) -> RedisEndpoint {
    guard !hosts.contains(",") else {
      throw RedisURLError(
        "The Redis URL names several hosts; that needs redis+sentinel:// or redis+cluster://.")
    }
    return try Self.endpoint(hosts, defaultPort: 6379)
  }

  func socketPath() throws(RedisURLError) -> String {
    guard hosts.isEmpty, !path.isEmpty else {
      throw RedisURLError("A unix:// URL needs an absolute path, with three slashes: unix:///run/redis.sock.")
    }
    // The kernel's limit for a socket address is 108 bytes with its terminator (104 on macOS).
    guard path.utf8.count + 1 < 104 else {
      throw RedisURLError("The socket path in the Redis URL is longer than 102 bytes, which the system does not allow.")
    }
    return "/" + path
  }

  func database(from text: String) throws(RedisURLError) -> Int {
    guard !text.isEmpty else { return 0 }
    guard let number = Int(text), (0...1_000_000).contains(number) else {
      throw RedisURLError("The Redis URL's database \"\(text)\" is not a number of 0 or more.")
    }
    return number
  }

  func primaryAndDatabase() throws(RedisURLError) -> (String, Int) {
    let pieces = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = pieces.first, !name.isEmpty else {
      throw RedisURLError(
        "A redis+sentinel:// URL needs the primary's name behind the hosts: redis+sentinel://h1,h2,h3/mymaster.")
    }
    return (String(name), try database(from: pieces.count == 2 ? String(pieces[1]) : ""))
  }

  func tls(isOn: Bool) throws(RedisURLError) -> RedisTLS? {
    let file = query["ca"]
    guard isOn else {
      if file != nil {
        throw RedisURLError(
          "The Redis URL's option ca is only for rediss://, rediss+sentinel:// and rediss+cluster://.")
      }
      return nil
    }
    if let file, file.isEmpty { throw RedisURLError("The Redis URL's option ca names no file.") }
    return RedisTLS(certificateAuthorityFile: file)
  }

  fileprivate static func endpoint(_ text: Substring, defaultPort: Int) throws(RedisURLError) -> RedisEndpoint {
    var name = text
    var portText: Substring?
    if text.first == "[" {
      guard let bracket = text.firstIndex(of: "]") else {
        throw RedisURLError("The Redis URL's address \"\(text)\" has no closing bracket.")
      }
      name = text[text.index(after: text.startIndex)..<bracket]
      let behind = text[text.index(after: bracket)...]
      guard behind.isEmpty || behind.first == ":" else {
        throw RedisURLError("The Redis URL's address \"\(text)\" has something other than a port behind its bracket.")
      }
      portText = behind.isEmpty ? nil : behind.dropFirst()
    } else if let colon = text.firstIndex(of: ":") {
      name = text[..<colon]
      portText = text[text.index(after: colon)...]
    }
    guard !name.isEmpty else { throw RedisURLError("The Redis URL names no host, as redis://localhost:6379 does.") }
    guard let portText else { return .host(String(name), port: defaultPort) }
    guard let port = Int(portText), (1...65_535).contains(port) else {
      throw RedisURLError("The Redis URL's port \"\(portText)\" is not a number from 1 to 65535.")
    }
    return .host(String(name), port: port)
  }

  static func range(of pattern: String, in text: String) -> Range<String.Index>? {
    text.firstRange(of: pattern)
  }

  private static func decode(_ text: Substring, _ what: String) throws(RedisURLError) -> String {
    let decoded = Result { () throws(PercentEncoding.Failure) in try PercentEncoding.decode(text) }
    if case .failure(.brokenEscape) = decoded {
      throw RedisURLError("The Redis URL's \(what) has a % that is not followed by two hexadecimal digits.")
    }
    guard case .success(let value) = decoded, !value.contains("\0") else {
      throw RedisURLError("The Redis URL's \(what) is not valid UTF-8 text.")
    }
    return value
  }
}
