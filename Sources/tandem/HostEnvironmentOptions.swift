import AgentClientProtocol
import ArgumentParser

/// Which of the host's variables the agent gets.
///
/// Isolation: an immutable value once parsed.
struct HostEnvironmentOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A variable for the agent: with a value, or by its name alone with the value it has here. Repeat it for several. "
        + "Values given here are visible to other users of this machine while the program runs.",
      valueName: "name[=value]"))
  var env: [String] = []

  @Flag(
    help: ArgumentHelp(
      "Give the agent only PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_*, TERM, TZ, TMPDIR and what --env names. "
        + "TANDEM_* variables never reach it."))
  var cleanEnv = false

  func validate() throws {
    for text in env where AgentEnvironment.Entry(text) == nil {
      throw ValidationError(
        "--env takes NAME or NAME=VALUE, and no name that begins with TANDEM_, not \"\(Self.name(of: text))\".")
    }
  }

  /// The agent's variables.
  ///
  /// - Throws: `ValidationError` naming a variable that is to be passed on and isn't there.
  func environment(inherited: [String: String]) throws -> AgentEnvironment {
    let entries = env.compactMap { AgentEnvironment.Entry($0) }
    for entry in entries where entry.value == nil && inherited[entry.name] == nil {
      throw ValidationError("--env \(entry.name): there is no such variable here; give it a value or leave it out.")
    }
    return AgentEnvironment(inherited: inherited, isClean: cleanEnv, adding: entries)
  }

  /// What stands before the value, which may be a secret.
  private static func name(of text: String) -> Substring {
    text.prefix { $0 != "=" }
  }
}
