import AgentClientProtocol
import Logging
import Observability

/// Asks for the agent: in the shared session and, where there is one, in the host's terminal; an immutable value.
///
/// The first answer wins, and the node says which that is: what is chosen in the terminal counts once the node has taken
/// it. What belongs to no prompt of the session is asked in the terminal alone.
struct PermissionDesk: Sendable {
  let session: SessionPermissions
  let observer: any HostObserver
  let logger: Logger
  /// Whether the host keeps the agent's tool calls to themselves: then the session is asked with what the question itself
  /// says, and the terminal with everything.
  var hidesToolCalls = false
  /// Takes out what the session must not see. The host's terminal is asked with everything.
  var redact: @Sendable (AgentPermissionRequest) -> AgentPermissionRequest = { $0 }
  /// The dispatch whose turn runs.
  let runningDispatch: @Sendable () -> Dispatch?

  private enum Word: Sendable {
    case session(PermissionQuestion.Machine.End?)
    case terminal(AgentPermissionOutcome?)
  }

  /// Asks, and waits for as long as it takes. When the task is cancelled, the question is taken back everywhere.
  func ask(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome {
    guard let dispatch = runningDispatch() else { return await observer.asksPermission(request) ?? request.refusal }
    let question = session.ask(redact(hidesToolCalls ? request.withoutEarlierUpdates : request), in: dispatch)
    return await withTaskCancellationHandler {
      await withTaskGroup(of: Word.self) { group in
        group.addTask { .session(await question.outcome()) }
        group.addTask { .terminal(await observer.asksPermission(request)) }
        let outcome = await settle(request, question, &group)
        group.cancelAll()
        return outcome
      }
    } onCancel: {
      question.change { $0.withdraw() }
    }
  }

  private func settle(
    _ request: AgentPermissionRequest, _ question: PermissionQuestion, _ group: inout TaskGroup<Word>
  ) async -> AgentPermissionOutcome {
    var isSessionLost = false
    var isTerminalOver = false
    var chosen: String?
    while let word = await group.next() {
      switch word {
      case .terminal(.selected(let option)):
        if isSessionLost { return .selected(optionID: option) }
        (isTerminalOver, chosen) = (true, option)
        question.change { $0.chosen(option) }
      case .terminal:
        isTerminalOver = true
        if isSessionLost { return request.refusal }
      case .session(.answered(let option, let resolver)):
        let name = request.options.first { $0.id == option }?.name ?? option
        await observer.permissionSettled(request, .answered(option: name, by: resolver))
        return .selected(optionID: option)
      case .session(.withdrawn(let isSessionOver)): return isSessionOver ? request.refusal : .cancelled
      case .session(.refused(let error)):
        logger.warning("a question of the agent can't be asked in the session", metadata: [LogKey.error: "\(error)"])
        if Self.isOver(error) { return request.refusal }
        // Nobody but the terminal is left.
        if isTerminalOver { return chosen.map { .selected(optionID: $0) } ?? request.refusal }
        isSessionLost = true
      case .session(.told), .session(.declined), .session(nil): return .cancelled
      }
    }
    return request.refusal
  }

  /// Whether the session or the turn is no more: then nobody is to be asked, in the terminal neither.
  private static func isOver(_ error: NodeError) -> Bool {
    switch error {
    case .refused(_, let code, _):
      [
        "SESSION_INACTIVE", "HOST_SESSION_NOT_FOUND", "INVALID_HOST_TOKEN", "DISPATCH_NOT_FOUND", "DISPATCH_CONFLICT",
        "APPROVAL_NOT_FOUND",
      ].contains(code)
    case .stopped: true
    case .unreachable: false
    }
  }
}

/// What has become of a question that the host was asked as well; an immutable value.
public enum PermissionSettlement: Sendable, Hashable {
  /// It is answered; `by` is what the one who did is called, nil for the host in this terminal.
  case answered(option: String, by: String?)
  /// The host's own answer doesn't count, for this reason; others may still answer.
  case refused(String)
}
