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
  /// Whether the script writes nothing. Such a script is never followed by the wait for replicas.
  public let isReadOnly: Bool

  /// A script from its source.
  ///
  /// - Parameters:
  ///   - name: for logs and errors.
  ///   - source: Lua, with its `#!lua` line first.
  ///   - isReadOnly: whether it writes nothing (its shebang says `flags=no-writes`).
  public init(name: String, source: String, isReadOnly: Bool = false) {
    self.name = name
    self.source = source
    self.isReadOnly = isReadOnly
    // Redis names scripts by SHA-1; nothing here relies on it being a safe hash.
    sha1 = Insecure.SHA1.hash(data: Array(source.utf8)).reduce(into: "") { text, byte in
      text.append(Self.hexadecimal[Int(byte >> 4)])
      text.append(Self.hexadecimal[Int(byte & 15)])
    }
  }

  private static let hexadecimal = Array("0123456789abcdef")
}
