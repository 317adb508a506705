/// Why the private redis-server cannot serve.
///
/// Isolation: an immutable value.
public struct EmbeddedRedisError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong, for programs.
  public enum Code: Sendable, Hashable {
    /// `redis-server` or `redis-check-aof` is not installed.
    case notInstalled
    /// The data directory cannot be made, is not ours, or is no directory.
    case unusableDirectory
    /// The append-only file is damaged in a way that truncating its tail does not cure.
    case damagedData
    /// The server ended or gave no answer before it served.
    case cannotStart
    /// The service was stopped before the server served.
    case stopped
  }

  /// What went wrong, for programs.
  public let code: Code
  /// What went wrong and what to do, as a sentence for a person.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The sentence.
  public var description: String { message }
}
