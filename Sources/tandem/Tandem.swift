import ArgumentParser

/// The program: nothing but the list of its subcommands.
@main
struct Tandem: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tandem",
    abstract: "Share a live coding-agent session: others watch, comment and propose prompts, the host decides.",
    version: Build.version,
    subcommands: [
      ServeCommand.self, HostCommand.self, DemoCommand.self, InspectCommand.self, CheckConfigCommand.self,
      HealthCommand.self, ExampleAgentCommand.self,
    ])
}
