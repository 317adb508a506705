import AgentClientProtocol
import ArgumentParser

/// `tandem example-agent`: an agent for trying things out.
struct ExampleAgentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "example-agent",
    abstract: "A small agent that always does the same, on standard input and output.",
    discussion: """
      Speaks the Agent Client Protocol, so it is started by a client: `tandem host -- tandem example-agent`. It answers a \
      prompt with some text, a plan and an edit it only pretends to make. Words in the prompt choose what else happens: \
      `permission` asks before the edit, `long` or `long 20` takes that many seconds and can be cancelled, `crash` ends \
      the agent with status 3, `explain` thinks aloud, `secret` lets a made-up token slip, which `tandem host` removes, \
      `file` has its client change greeting.txt (with `tandem host --files`), `run` has it run a command (with \
      `tandem host --terminals`). `tandem host --load last` goes on with an earlier conversation.
      """)

  @Flag(help: "Do not pause between updates.")
  var fast = false

  func run() async {
    await ExampleAgent.runOnStandardStreams(pace: fast ? .immediate : .watchable)
  }
}
