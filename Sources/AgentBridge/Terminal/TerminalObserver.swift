public import AgentClientProtocol
internal import Basics
public import JSONText

/// The host's terminal: shows the conversation and takes what the host types; an actor.
///
/// What is typed is decided on by `ConsoleQuestions`: this carries it out.
public actor TerminalObserver: HostObserver {
  private let write: @Sendable (String) -> Void
  private let canAsk: Bool
  private let previewsViewers: Bool
  private var view: ConversationView
  private var control: HostControl?
  /// Who waits for the host's answer, by the question's key.
  private var waiters: [Int: CheckedContinuation<AgentPermissionOutcome, Never>] = [:]

  /// - Parameters:
  ///   - canAsk: whether somebody reads and types: both ends are a terminal.
  ///   - rows: rows of a tool call that are shown at first.
  ///   - previewsViewers: whether the agent's work is shown as viewers see it.
  ///   - write: shows text as it is.
  public init(
    canAsk: Bool, rows: Int = ToolCallText.defaultRows, previewsViewers: Bool = false,
    write: @escaping @Sendable (String) -> Void
  ) {
    self.canAsk = canAsk
    self.previewsViewers = previewsViewers
    self.write = write
    var limits = ConsoleQuestions.Limits()
    limits.rows = rows
    view = ConversationView(limits: limits)
  }

  /// Shows the links.
  public func sharing(_ session: SharedSession, _ control: HostControl) async {
    self.control = control
    write(ConversationView.head(session))
    if previewsViewers { write("The agent's work is shown here as viewers see it.\n\n") }
  }

  /// Shows what the agent does, if it is to be shown as viewers see it.
  public func viewerSees(_ event: JSONText) async {
    guard previewsViewers, event["type"]?.string == "host_session_update", let text = view.show(event) else { return }
    write(text)
  }

  /// Shows an event. What the agent asks is shown as a question instead, where it can be answered.
  public func event(_ event: JSONText) async {
    if canAsk, event["type"]?.string?.hasPrefix("permission_") == true { return }
    if previewsViewers, event["type"]?.string == "host_session_update" { return }
    if let text = view.show(event) { write(text) }
  }

  /// Says that something is missing.
  public func eventSkipped() async {
    write(view.skippedEvent())
  }

  /// Says what was taken out of what the others see.
  public func secretsRemoved(_ count: RedactionCount) async {
    write(view.remark("! removed before it was published: \(count.sentence)\n"))
  }

  /// Shows the question and waits for its answer.
  public func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome? {
    guard canAsk else { return nil }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        guard !Task.isCancelled else { return waiter.resume(returning: .cancelled) }
        waiters[request.key] = waiter
        write(view.question(request))
      }
    } onCancel: {
      Task { await self.withdraw(request.key) }
    }
  }

  /// Takes the question back and says who was faster, or why the host's answer doesn't count.
  public func permissionSettled(_ request: AgentPermissionRequest, _ settlement: PermissionSettlement) async {
    switch settlement {
    case .answered(let option, let name?):
      // Also when the host has answered here already: then somebody was faster.
      write(view.answered(request, option, by: name))
      view.questions.ended(key: request.key, "is answered, by somebody else")
      waiters.removeValue(forKey: request.key)?.resume(returning: .cancelled)
    case .answered(_, nil): break
    case .refused(let reason):
      let name = view.questions.name(ofKey: request.key).map { "\($0): " } ?? ""
      write(view.remark("! \(name)your answer does not count: \(VisibleText.show(reason, keepsLines: false))\n"))
    }
  }

  private func withdraw(_ key: Int) {
    guard let waiter = waiters.removeValue(forKey: key) else { return }
    let name = view.questions.ended(key: key, "is no longer asked").map { "[\($0)] " } ?? ""
    write(view.remark("* \(name)the agent no longer asks\n"))
    waiter.resume(returning: .cancelled)
  }

  /// Takes a line the host has typed.
  public func typed(_ line: String) async {
    switch view.questions.typed(line) {
    case nil: break
    case .say(let text): write(view.remark(text))
    case .choose(let key, let optionID, let text):
      write(view.remark(text))
      waiters.removeValue(forKey: key)?.resume(returning: .selected(optionID: optionID))
    case .resolve(let name, let approvalID, let promptHash, let approve):
      await decide(name, approvalID) { control throws(NodeError) in
        try await control.resolve(approvalID: approvalID, approve: approve, promptHash: promptHash)
      }
    case .reply(let name, let approvalID, let approve, let answer):
      await decide(name, approvalID) { control throws(NodeError) in
        try await control.reply(approvalID: approvalID, approve: approve, answer: answer)
      }
    }
  }

  private func decide(
    _ name: ConsoleQuestions.Name, _ approvalID: String, _ body: (HostControl) async throws(NodeError) -> Void
  ) async {
    guard let control else { return view.questions.failed(name) }
    do {
      try await body(control)
    } catch {
      write(view.remark("! \(explain(error, name, approvalID))\n"))
    }
  }

  private func explain(_ error: NodeError, _ name: ConsoleQuestions.Name, _ approvalID: String) -> String {
    switch error {
    case .refused(_, "APPROVAL_ALREADY_RESOLVED", _), .refused(_, "APPROVAL_NOT_FOUND", _):
      view.questions.ended(approvalID: approvalID, "was withdrawn, or decided on elsewhere")
      return "\(name) was withdrawn, or decided on elsewhere. Your answer did nothing."
    case .refused(_, "PROMPT_CHANGED", _):
      view.questions.ended(approvalID: approvalID, "is no longer the text that you were shown")
      return "\(name) is no longer the text that you were shown. Your answer did nothing."
    case .refused(_, "ALREADY_VOTED", _): return "you have voted for \(name) already; others have to agree."
    default:
      view.questions.failed(name)
      return "\(name) is not decided: \(VisibleText.show(error.description, keepsLines: false))"
    }
  }
}
