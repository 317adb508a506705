/// The variables an agent is started with; an immutable value.
///
/// An agent does what others propose, and whatever it knows can be asked out of it. So it never gets a variable of this
/// program, which may hold the key to a server, and the host can keep back everything else that it doesn't need.
public struct AgentEnvironment: Sendable, Hashable {
  /// A variable that the host wants the agent to have.
  public struct Entry: Sendable, Hashable {
    /// The variable's name.
    public let name: String
    /// Its value; nil for the one it has in this process.
    public let value: String?

    /// Reads `NAME` or `NAME=VALUE`; nil for anything else, and for a variable no agent gets.
    public init?(_ text: String) {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard !name.isEmpty, !text.utf8.contains(0), !AgentEnvironment.isOurs(name) else { return nil }
      self.name = name
      value = parts.count == 2 ? String(parts[1]) : nil
    }
  }

  /// What a clean environment keeps of the host's, beside the variables whose names begin with `LC_`.
  public static let kept: Set<String> = [
    "HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER",
  ]

  /// Name and value of every variable.
  public let variables: [String: String]

  /// An environment made of this process's one.
  ///
  /// - Parameters:
  ///   - inherited: the variables of this process.
  ///   - isClean: whether only the few variables that nearly every program needs are taken over.
  ///   - entries: what the agent gets besides, or instead; the last one of a name counts.
  public init(inherited: [String: String], isClean: Bool = false, adding entries: [Entry] = []) {
    var variables = inherited.filter { name, _ in
      !Self.isOurs(name) && (!isClean || Self.kept.contains(name) || name.hasPrefix("LC_"))
    }
    for entry in entries { variables[entry.name] = entry.value ?? inherited[entry.name] }
    self.variables = variables
  }

  /// Whether a variable is meant for this program, whatever the case of its letters.
  static func isOurs(_ name: String) -> Bool {
    name.uppercased().hasPrefix("TANDEM_")
  }
}
