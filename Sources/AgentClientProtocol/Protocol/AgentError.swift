/// Why a call to an agent did not succeed; an immutable value.
public struct AgentError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Code: Sendable, Hashable {
    /// The program can't be started.
    case cannotStart
    /// The agent's process has ended.
    case exited
    /// The agent speaks another version of the protocol, or answers what the protocol doesn't allow.
    case incompatible
    /// The agent wants its user to sign in first.
    case authenticationRequired
    /// The agent answered with an error.
    case refused
    /// No answer came in time.
    case timedOut
    /// The caller no longer wants the answer.
    case abandoned
    /// The agent doesn't read what it is sent.
    case overloaded
  }

  /// What kind of failure it is.
  public let code: Code
  /// One sentence for a person.
  public let message: String

  /// An error with a sentence.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The sentence.
  public var description: String { message }
}

/// How an agent's process ended; an immutable value.
public enum AgentExit: Sendable, Hashable {
  /// It left with a status, 0 for success.
  case exited(status: Int32)
  /// A signal ended it.
  case signaled(Int32)

  /// One sentence for a person.
  public var sentence: String {
    switch self {
    case .exited(let status): "The agent exited with status \(status)."
    case .signaled(let signal): "The agent was ended by signal \(signal)."
    }
  }
}
