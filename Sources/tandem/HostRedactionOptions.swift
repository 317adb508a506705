import AgentBridge
import ArgumentParser
import Foundation

/// What is taken out of everything the agent says before others see it.
///
/// Isolation: an immutable value once parsed.
struct HostRedactionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file with more secrets to remove from what is published, one a line: a text; a beginning and `*`, for it and the "
        + "letters, digits and signs behind it; NAME=, for the values of that name. Common keys, tokens and passwords and "
        + "the values of your variables with names like those of secrets are removed without it.",
      valueName: "file"))
  var redact: String?

  func validate() throws {
    _ = try patterns(variables: [:], apiKey: nil)
  }

  /// Everything that is removed.
  ///
  /// - Parameters:
  ///   - variables: the host's and the agent's; the values of those whose names look like secrets' are removed.
  ///   - apiKey: what the nodes are called with.
  func patterns(variables: [String: String], apiKey: String?) throws -> SecretPatterns {
    var patterns = SecretPatterns()
    if let redact, let problem = patterns.add(list: try Self.read(redact)) {
      throw ValidationError("--redact: in \(redact), \(problem)")
    }
    patterns.addValues(of: variables)
    if let apiKey { patterns.addSecret(apiKey) }
    return patterns
  }

  private static func read(_ path: String) throws -> String {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw ValidationError("--redact: \(path) cannot be read.")
    }
    guard let bytes = try? file.read(upToCount: SecretPatterns.listBytes + 1) else { return "" }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ValidationError("--redact: \(path) is not UTF-8 text.")
    }
    return text
  }
}
