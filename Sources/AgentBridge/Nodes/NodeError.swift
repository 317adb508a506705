/// Why a call to a node has no result; an immutable value.
public enum NodeError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No node answered, or only with an error of its own. It may or may not have done what was asked.
  case unreachable(String)
  /// A node understood the call and refused it.
  case refused(status: Int, code: String, message: String)
  /// The bridge is stopping.
  case stopped

  /// One sentence for a person.
  public var description: String {
    switch self {
    case .unreachable(let reason): "No server could be reached: \(reason)"
    case .refused(let status, let code, let message): "The server refused (\(status) \(code)): \(message)"
    case .stopped: "The bridge is stopping."
    }
  }

  /// Whether it makes sense to try again as it is.
  var isPassing: Bool {
    if case .unreachable = self { true } else { false }
  }
}
