import AgentClientProtocol

/// Does for an agent what the host lets it have done; an immutable value.
struct ToolDesk: Sendable {
  var files: FileDesk?
  var terminals: TerminalDesk?
  var questions: QuestionDesk?

  func use(_ request: AgentToolRequest) async -> AgentToolAnswer {
    if request.method.hasPrefix("fs/"), let files { return await files.use(request) }
    if request.method.hasPrefix("terminal/"), let terminals { return await terminals.use(request) }
    if request.method == "elicitation/create", let questions { return await questions.use(request) }
    return .methodNotFound
  }

  /// Carries the agent's commands until the task is cancelled.
  func run() async {
    await terminals?.run()
  }

  /// Ends what belongs to a turn.
  func endTurn() async {
    await terminals?.endTurn()
  }
}
