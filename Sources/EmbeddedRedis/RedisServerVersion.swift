/// A version of redis-server, and whether its known vulnerabilities are closed.
///
/// Isolation: an immutable value.
public struct RedisServerVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Its three numbers.
  public let major, minor, patch: Int

  /// Reads `7.0.15`; nil when it has another form.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 3, let major = parts[0], let minor = parts[1], let patch = parts[2] else { return nil }
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// As redis-server says it.
  public var description: String { "\(major).\(minor).\(patch)" }

  /// Orders by the numbers.
  public static func < (left: Self, right: Self) -> Bool {
    (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
  }

  /// Whether sharded pub/sub and script flags are there: 7.0 and later.
  public var isSupported: Bool { major >= 7 }

  /// Whether this release of the project itself closes the vulnerabilities of the Lua engine known in 2025 (CVE-2025-49844 and
  /// older). Distributions close them under an unchanged version number; see ``distributionFix(of:)``.
  var closesKnownVulnerabilities: Bool {
    switch (major, minor) {
    case (6, 2): patch >= 20
    case (7, 2): patch >= 11
    case (7, 4): patch >= 6
    case (8, 0): patch >= 4
    case (8, 2): patch >= 2
    default: (major, minor) > (8, 2)
    }
  }

  /// What to warn of at start; nil when nothing is known against this server.
  ///
  /// - Parameter packageVersion: The version of the distribution's package, nil when it comes from none.
  func warning(packageVersion: String?) -> String? {
    if !isSupported { return "redis-server \(self) is too old; 7.0 or later is needed" }
    if closesKnownVulnerabilities { return nil }
    guard let packageVersion else {
      return
        "redis-server \(self) has known vulnerabilities in its Lua engine; use 7.2.11, 7.4.6, 8.0.4 or later of those lines"
    }
    return Self.distributionFix(of: packageVersion) == false
      ? "the package redis-server \(packageVersion) has known vulnerabilities in its Lua engine; use 7.0.15-1~deb12u10 or later"
      : nil
  }

  /// Whether a Debian package version is at least the one that closes them; nil for those of other suites, of
  /// which nothing is known.
  static func distributionFix(of packageVersion: String) -> Bool? {
    // EPOCH:7.0.15-1~deb12uN
    let version = packageVersion.split(separator: ":").last ?? ""
    let prefix = "7.0.15-1~deb12u"
    guard version.hasPrefix(prefix), let update = Int(version.dropFirst(prefix.count).prefix(while: \.isNumber)) else {
      return nil
    }
    return update >= 10
  }

  /// The version of the installed Debian package; nil where there is no dpkg or no such package.
  static func installedPackage() async -> String? {
    let program = Program(name: "dpkg-query", arguments: ["-W", "-f", "${Version}", "redis-server"])
    guard let result = try? await program.run(), result.succeeded, !result.output.isEmpty else { return nil }
    return result.output
  }
}
