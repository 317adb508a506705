import AgentClientProtocol
import JSONText
import Synchronization

/// Stands between the agent, which is started first, and what exists only once sharing has begun; safe to share, its
/// state sits in a `Mutex`.
///
/// What the agent says until then is kept, up to a number, and published first.
final class AgentRelay: AgentHandler {
  private struct Target: Sendable {
    let publisher: NotificationPublisher
    let configuration: BridgeConfiguration
    let permissions: PermissionDesk
    let redactor: Redactor
    let tools: ToolDesk
    let report: @Sendable (AgentProfile) -> AgentReport
  }

  /// What is told of the agent.
  private enum News: Sendable {
    case profile(AgentProfile)
    case update(AgentNotification)
  }

  private enum State: Sendable {
    case early([News])
    case sharing(Target)
    case ended
  }

  /// What the agent was opened with.
  private struct Opening: Sendable {
    var profile: AgentProfile?
    /// Whether it is in the registration; a later one is told to the sessions.
    var isTaken = false
    /// How its mode and options were said to be last, by the kind of update.
    var lastSaid: [String: JSONText] = [:]
  }

  private static let maximumEarly = 1_000
  private let state = Mutex(State.early([]))
  /// What the agent has replayed of an earlier conversation; its connection bounds it.
  private let history = Mutex<[AgentNotification]>([])
  private let opening = Mutex(Opening())

  /// Takes what was replayed.
  func takeHistory() -> [AgentNotification] {
    history.withLock { history in
      defer { history = [] }
      return history
    }
  }

  /// Takes what the agent was opened with, for the registration. What it is opened with later is published.
  func takeProfile() -> AgentProfile? {
    opening.withLock { opening in
      opening.isTaken = true
      return opening.profile
    }
  }

  /// Tells those who are there already what the agent was opened with: nothing is registered.
  func tellProfile() async {
    if let profile = takeProfile() { await pass(.profile(profile)) }
  }

  /// Takes what the agent has said so far, up to where it was opened anew.
  func takeEarly() -> [AgentNotification] {
    state.withLock { state in
      guard case .early(let kept) = state else { return [] }
      let said = kept.prefix { if case .update = $0 { true } else { false } }
      state = .early(Array(kept.dropFirst(said.count)))
      return said.compactMap { if case .update(let notification) = $0 { notification } else { nil } }
    }
  }

  /// Sharing has begun.
  ///
  /// - Parameter report: makes what is told of an agent that was opened again.
  func begin(
    _ publisher: NotificationPublisher, _ configuration: BridgeConfiguration, _ permissions: PermissionDesk,
    _ redactor: Redactor, _ tools: ToolDesk, report: @escaping @Sendable (AgentProfile) -> AgentReport
  ) async {
    let target = Target(
      publisher: publisher, configuration: configuration, permissions: permissions, redactor: redactor, tools: tools,
      report: report)
    // What is kept goes out before the state changes, so that nothing newer overtakes it.
    while true {
      let kept = state.withLock { state -> [News] in
        guard case .early(let kept) = state else { return [] }
        state = kept.isEmpty ? .sharing(target) : .early([])
        return kept
      }
      if kept.isEmpty { return }
      for news in kept { await Self.publish(news, target) }
    }
  }

  func agentUses(_ request: AgentToolRequest) async -> AgentToolAnswer {
    guard case .sharing(let target) = state.withLock({ $0 }) else {
      return .error(code: -32603, message: "Nothing is shared at the moment.")
    }
    return await target.tools.use(request)
  }

  /// A turn has ended, and so have its commands: what was held back of its messages goes out.
  func endTurn() async {
    guard case .sharing(let target) = state.withLock({ $0 }) else { return }
    await target.tools.endTurn()
    for notification in target.redactor.finish() { await target.publisher.add(notification) }
  }

  /// Nothing is published any more.
  func end() {
    state.withLock { $0 = .ended }
  }

  func agentOpened(_ profile: AgentProfile) async {
    let isNews = opening.withLock { opening in
      opening.profile = profile
      opening.lastSaid = [:]
      return opening.isTaken
    }
    if isNews { await pass(.profile(profile)) }
  }

  func agentSent(_ notification: AgentNotification) async {
    if notification.isReplayed { return history.withLock { $0.append(notification) } }
    if Self.isAboutControls(notification) {
      opening.withLock { $0.lastSaid[notification.kind] = notification.update.compacted() }
    }
    await pass(.update(notification))
  }

  /// A mode or an option was changed: says so, unless the agent has done it itself.
  func changed(_ notification: AgentNotification) async {
    let said = opening.withLock { $0.lastSaid[notification.kind] }
    if said != notification.update.compacted() { await agentSent(notification) }
  }

  private static func isAboutControls(_ notification: AgentNotification) -> Bool {
    notification.kind == "current_mode_update" || notification.kind == "config_option_update"
  }

  private func pass(_ news: News) async {
    let target = state.withLock { state -> Target? in
      switch state {
      case .early(let kept):
        if kept.count < Self.maximumEarly { state = .early(kept + [news]) }
        return nil
      case .sharing(let target): return target
      case .ended: return nil
      }
    }
    if let target { await Self.publish(news, target) }
  }

  private static func publish(_ news: News, _ target: Target) async {
    switch news {
    case .update(let notification): await publish(notification, target)
    case .profile(let profile):
      await target.publisher.add(target.report(profile).notification, kind: AgentReport.method)
    }
  }

  private static func publish(_ notification: AgentNotification, _ target: Target) async {
    guard target.configuration.filter.allows(notification) else { return }
    // What no node takes is not looked through, however large it is.
    let trimmed = NotificationTrimmer.fit(notification.text, maximumBytes: target.configuration.updateBytes)
    for notification in target.redactor.redact(trimmed.flatMap { AgentNotification($0) } ?? notification) {
      await target.publisher.add(notification)
    }
  }

  func agentAsks(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome {
    guard case .sharing(let target) = state.withLock({ $0 }) else { return request.refusal }
    switch target.configuration.permissions {
    case .allow: return request.allowance
    case .reject: return request.refusal
    case .ask: return await target.permissions.ask(request)
    }
  }
}
