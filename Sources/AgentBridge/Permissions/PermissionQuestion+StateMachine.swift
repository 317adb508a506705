import JSONText

/// One question of the agent on its way through the shared session: a pure value that takes what happens and says what to
/// do next.
///
/// A question is asked until a node has taken it, then waits, and ends once: answered by somebody in the session, by the
/// host's terminal (whose answer counts when the node takes it, like anybody's), or withdrawn. What the node says decides,
/// so that the agent gets the answer that everybody sees.
struct PermissionQuestionStateMachine: Sendable {
  /// How a question ends.
  enum End: Sendable, Hashable {
    /// With this option; `resolver` is what the one who chose it is called, nil for the host's terminal.
    case answered(optionID: String, resolver: String?)
    /// What was asked is told with these fields, nil for what has none; or somebody declined to.
    case told(JSONText?)
    case declined
    /// Unanswered: it was withdrawn, with its turn or with its session.
    case withdrawn(isSessionOver: Bool)
    /// Unasked, or lost: no node takes it.
    case refused(NodeError)
  }

  /// What the driver has to do now. All but `wait` and `end` are calls, and their results are given back.
  enum Step: Sendable, Hashable {
    case ask(PermissionBody.Size)
    case look(String)
    case answer(String, optionID: String)
    case withdraw(String)
    case wait
    case end(End)
  }

  private enum Phase: Sendable {
    /// Not known to be taken. `mayExist` after a call whose outcome nobody knows.
    case asking(PermissionBody.Size, mayExist: Bool)
    case open(String)
    case over(End)
  }

  private var phase: Phase
  private var choice: String?
  private var isWithdrawn = false
  private var wantsLook = false

  /// Whether it is answered by one of the agent's options; else by fields.
  private let hasOptions: Bool

  /// - Parameter size: how much of the tool call is sent at first.
  init(size: PermissionBody.Size = .whole, hasOptions: Bool = true) {
    self.hasOptions = hasOptions
    phase = .asking(size, mayExist: false)
  }

  /// What to do now.
  mutating func next() -> Step {
    switch phase {
    case .asking(_, mayExist: false) where isWithdrawn:
      phase = .over(.withdrawn(isSessionOver: false))
      return next()
    // What may exist has to be found before it can be withdrawn: asking again with the same key finds it.
    case .asking(let size, _): return .ask(size)
    case .open(let id) where isWithdrawn: return .withdraw(id)
    case .open(let id):
      if let choice { return .answer(id, optionID: choice) }
      return wantsLook ? .look(id) : .wait
    case .over(let end): return .end(end)
    }
  }

  // MARK: - What happens

  /// The host has chosen in the terminal.
  mutating func chosen(_ optionID: String) { choice = choice ?? optionID }

  /// The agent no longer needs an answer.
  mutating func withdraw() { isWithdrawn = true }

  /// A node may know something new.
  mutating func lookAgain() { wantsLook = true }

  /// A node has said what it knows of a question; only of this one if the ids are the same.
  mutating func noticed(_ notice: PermissionNotice) {
    guard case .open(notice.approvalID) = phase else { return }
    wantsLook = false
    switch notice.status {
    case "pending": break
    case "approved", "rejected":
      if !hasOptions { return end(notice.status == "approved" ? .told(notice.answer) : .declined) }
      guard let option = notice.optionID else { return end(.withdrawn(isSessionOver: false)) }
      end(.answered(optionID: option, resolver: notice.resolver))
    default: end(.withdrawn(isSessionOver: notice.reason?.hasPrefix("session_") == true))
    }
  }

  // MARK: - Results of calls

  mutating func asked(_ result: Result<String, NodeError>) {
    guard case .asking(let size, let mayExist) = phase else { return }
    switch result {
    case .success(let id):
      phase = .open(id)
      // It may have been answered before its id was known here.
      wantsLook = true
    case .failure(.unreachable): phase = .asking(size, mayExist: true)
    case .failure(.refused(let status, let code, _))
    where status == 413 || code == "INVALID_FIELD" || code == "INVALID_BODY":
      // Too large or too deep: what is left out is shown as left out.
      guard let smaller = size.smaller else { return refused(result) }
      phase = .asking(smaller, mayExist: mayExist)
    case .failure: refused(result)
    }
  }

  mutating func looked(_ result: Result<PermissionNotice, NodeError>) {
    switch result {
    case .success(let notice):
      wantsLook = false
      noticed(notice)
    // Whatever there is to see is still to be seen.
    case .failure(.unreachable): wantsLook = true
    case .failure(let error): end(.refused(error))
    }
  }

  /// - Returns: why the host's answer doesn't count, when that isn't because somebody was faster.
  mutating func answered(_ result: Result<Void, NodeError>) -> NodeError? {
    guard case .open = phase, let choice else { return nil }
    switch result {
    case .success:
      end(.answered(optionID: choice, resolver: nil))
      return nil
    case .failure(.unreachable): return nil
    case .failure(let error):
      self.choice = nil
      wantsLook = true
      if case .refused(_, "APPROVAL_ALREADY_RESOLVED", _) = error { return nil }
      return error
    }
  }

  mutating func withdrew(_ result: Result<Void, NodeError>) {
    if case .failure(.unreachable) = result { return }
    // A refusal means that it has ended already, and nobody waits for how.
    end(.withdrawn(isSessionOver: false))
  }

  /// The bridge ends.
  mutating func stop() { end(.refused(.stopped)) }

  private mutating func refused(_ result: Result<String, NodeError>) {
    if case .failure(let error) = result { end(.refused(error)) }
  }

  private mutating func end(_ end: End) {
    if case .over = phase { return }
    phase = .over(end)
  }
}
