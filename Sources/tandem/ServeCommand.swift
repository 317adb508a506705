import ArgumentParser
import EmbeddedRedis
import Foundation

/// `tandem serve`: one node.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run one node; without --redis also a private redis-server.",
    discussion: """
      The first line on standard output is "listening on http://HOST:PORT"; logs go to standard error. SIGTERM and \
      SIGINT drain the node: readiness turns red, streams end, running requests finish.
      Status: 0 stopped cleanly, 64 wrong usage, 69 Redis not reachable at start, 78 wrong configuration.

      \(ConfigurationDocuments.help)
      """)

  @OptionGroup var settings: SettingsArguments

  func run() async throws {
    let configuration = try settings.load()
    try await NodeProgram.run(configuration) { address in
      StandardOutput.write("listening on \(address)")
    }
  }
}
