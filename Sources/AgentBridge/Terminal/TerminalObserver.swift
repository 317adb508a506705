public import AgentClientProtocol
public import JSONText

/// The host's terminal: shows the conversation and takes what the host types; an actor.
public actor TerminalObserver: HostObserver {
  private struct Question {
    let request: AgentPermissionRequest
    let waiter: CheckedContinuation<AgentPermissionOutcome, Never>
  }

  private let write: @Sendable (String) -> Void
  private let canAsk: Bool
  private var view = ConversationView()
  private var control: HostControl?
  /// The agent's questions, oldest first. The first is the one that is shown.
  private var questions: [Question] = []

  /// - Parameters:
  ///   - canAsk: whether somebody reads and types: both ends are a terminal.
  ///   - write: shows text as it is.
  public init(canAsk: Bool, write: @escaping @Sendable (String) -> Void) {
    self.canAsk = canAsk
    self.write = write
  }

  /// Shows the links.
  public func sharing(_ session: SharedSession, _ control: HostControl) async {
    self.control = control
    write(ConversationView.head(session))
  }

  /// Shows an event. What the agent asks is shown as a question instead, where it can be answered.
  public func event(_ event: JSONText) async {
    if canAsk, event["type"]?.string?.hasPrefix("permission_") == true { return }
    if let text = view.show(event) { write(text) }
  }

  /// Shows the question and waits for the number of an answer.
  public func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome? {
    guard canAsk else { return nil }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        guard !Task.isCancelled else { return waiter.resume(returning: .cancelled) }
        questions.append(Question(request: request, waiter: waiter))
        if questions.count == 1 { write(view.question(request)) }
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
      let text = view.answered(request, option, by: name)
      if !takeBack(request.key, text) { write(text) }
    case .answered(_, nil): break
    case .refused(let reason): write("! \(VisibleText.show(reason, keepsLines: false))\n")
    }
  }

  private func withdraw(_ key: Int) {
    takeBack(key, "* the agent no longer asks\n")
  }

  /// - Returns: whether the question was still open.
  @discardableResult
  private func takeBack(_ key: Int, _ text: String) -> Bool {
    guard let index = questions.firstIndex(where: { $0.request.key == key }) else { return false }
    let question = questions.remove(at: index)
    question.waiter.resume(returning: .cancelled)
    if index == 0 {
      write(text)
      showNextQuestion()
    }
    return true
  }

  private func showNextQuestion() {
    if let question = questions.first { write(view.question(question.request)) }
  }

  /// Takes a line the host has typed.
  public func typed(_ line: String) async {
    switch HostCommandLine(line) {
    case .resolve(let approve, let number): await resolve(approve, number)
    case .choose(let number): choose(number)
    case .other:
      if line.contains(where: { !$0.isWhitespace }) {
        write("  a NUMBER approves, r NUMBER rejects a prompt; a number answers the agent.\n")
      }
    }
  }

  private func choose(_ number: Int) {
    guard let question = questions.first else { return write("  Nothing is asked.\n") }
    guard question.request.options.indices.contains(number - 1) else {
      return write("  There is no answer \(number).\n")
    }
    questions.removeFirst()
    question.waiter.resume(returning: .selected(optionID: question.request.options[number - 1].id))
    showNextQuestion()
  }

  private func resolve(_ approve: Bool, _ number: Int?) async {
    // Without a number only what can't be mistaken is decided.
    let chosen = number.map { number in view.pending.first { $0.number == number } }
    guard let pending = chosen ?? (view.pending.count == 1 ? view.pending.first : nil) else {
      let reason =
        number.map { "No prompt \($0) waits." }
        ?? (view.pending.isEmpty ? "No prompt waits." : "Several prompts wait: say which number.")
      return write("  \(reason)\n")
    }
    guard let control else { return }
    do {
      try await control.resolve(approvalID: pending.approvalID, approve: approve)
    } catch {
      write("! \(VisibleText.show(error.description, keepsLines: false))\n")
    }
  }
}
