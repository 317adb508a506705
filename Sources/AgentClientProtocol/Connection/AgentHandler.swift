/// Who an agent's connection reports to. Implementations synchronise themselves.
public protocol AgentHandler: Sendable {
  /// A session was opened: the updates that follow are of it.
  func agentOpened(_ profile: AgentProfile) async

  /// An update of one of our sessions, in the order the agent sent them and before the answer to the prompt they belong
  /// to. The agent isn't read on until this returns: that is the backpressure.
  func agentSent(_ notification: AgentNotification) async

  /// A question of the agent. The connection is read on meanwhile. When nobody needs the answer any more, because the
  /// turn was cancelled or the agent is gone, the task is cancelled and what it returns is ignored.
  func agentAsks(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome

  /// The agent uses what it was offered. As with questions, the task is cancelled when nobody needs the answer any more.
  func agentUses(_ request: AgentToolRequest) async -> AgentToolAnswer
}

extension AgentHandler {
  /// Nobody wants to know.
  public func agentOpened(_ profile: AgentProfile) async {}

  /// Does nothing for the agent.
  public func agentUses(_ request: AgentToolRequest) async -> AgentToolAnswer { .methodNotFound }
}
