import AgentBridge
import AgentClientProtocol
import Basics
import JSONText
import Logging

/// Starts an agent to ask it one thing, and ends it again.
///
/// Isolation: an immutable value.
struct AgentErrand {
  let task: HostConversationOptions.Task
  let asJSON: Bool

  /// Nobody prompts the agent, so it has nothing to say or ask.
  private struct Silence: AgentHandler {
    func agentSent(_ notification: AgentNotification) async {}
    func agentAsks(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome { request.refusal }
  }

  /// Does it and prints what came of it.
  ///
  /// - Throws: `AgentError` when the agent can't be used or can't do that.
  func run(_ configuration: AgentConfiguration, _ logger: Logger) async throws {
    let connection = AgentConnection(configuration: configuration, handler: Silence(), logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { _ = try await connection.run() }
      defer { connection.stop() }
      let agent = try await connection.initialize()
      switch task {
      case .listConversations: list(try await connection.conversations(agent, here: false))
      case .signOut:
        try await connection.logOut(agent)
        StandardOutput.write("The agent has signed out.")
      }
      connection.stop()
      try await group.waitForAll()
    }
  }

  private func list(_ conversations: [AgentConversation]) {
    if conversations.isEmpty, !asJSON { StandardOutput.write("The agent knows of no conversation.") }
    for conversation in conversations {
      if asJSON {
        StandardOutput.write("\(conversation.text.compacted())")
      } else {
        let fields = [conversation.id, conversation.updatedAt, conversation.workingDirectory, conversation.title]
        let line = fields.map { $0.map { VisibleText.show($0, keepsLines: false) } ?? "-" }.joined(separator: "  ")
        StandardOutput.write(line)
      }
    }
  }
}
