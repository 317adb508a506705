internal import Basics
internal import Crypto
internal import RedisWire

/// A Lua script that runs inside Redis as one atomic step. A value; make it once and keep it, because it computes the SHA-1.
public struct RedisScript: Sendable, Hashable {
  /// A name for logs and errors, such as the file the source came from.
  public let name: String
  /// The Lua source.
  public let source: String
  /// The SHA-1 of the source in lower-case hexadecimal: the name under which Redis keeps the script.
  public let sha1: String
  /// Whether the script writes nothing.
  public let isReadOnly: Bool
  /// Whether replicas must confirm what it writes when durability asks for that. Never true for a script that writes nothing.
  public let waitsForReplicas: Bool

  /// A script from its source.
  ///
  /// - Parameters:
  ///   - name: for logs and errors.
  ///   - source: Lua, with its `#!lua` line first.
  ///   - isReadOnly: whether it writes nothing (its shebang says `flags=no-writes`).
  ///   - waitsForReplicas: false for writes whose loss in a failover does no harm, such as the renewal of a lease: they must
  ///     not wait for a replica that hangs.
  public init(name: String, source: String, isReadOnly: Bool = false, waitsForReplicas: Bool = true) {
    self.name = name
    self.source = source
    self.isReadOnly = isReadOnly
    self.waitsForReplicas = waitsForReplicas && !isReadOnly
    // Redis names scripts by SHA-1; nothing here relies on it being a safe hash.
    sha1 = Hexadecimal.encode(Insecure.SHA1.hash(data: Array(source.utf8)))
  }
}
