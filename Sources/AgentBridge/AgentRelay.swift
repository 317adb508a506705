import AgentClientProtocol
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
  }

  private enum State: Sendable {
    case early([AgentNotification])
    case sharing(Target)
    case ended
  }

  private static let maximumEarly = 1_000
  private let state = Mutex(State.early([]))
  /// What the agent has replayed of an earlier conversation; its connection bounds it.
  private let history = Mutex<[AgentNotification]>([])

  /// Takes what was replayed.
  func takeHistory() -> [AgentNotification] {
    history.withLock { history in
      defer { history = [] }
      return history
    }
  }

  /// Sharing has begun.
  func begin(
    _ publisher: NotificationPublisher, _ configuration: BridgeConfiguration, _ permissions: PermissionDesk,
    _ redactor: Redactor, _ tools: ToolDesk
  ) async {
    let target = Target(
      publisher: publisher, configuration: configuration, permissions: permissions, redactor: redactor, tools: tools)
    // What is kept goes out before the state changes, so that nothing newer overtakes it.
    while true {
      let kept = state.withLock { state -> [AgentNotification] in
        guard case .early(let kept) = state else { return [] }
        state = kept.isEmpty ? .sharing(target) : .early([])
        return kept
      }
      if kept.isEmpty { return }
      for notification in kept { await Self.publish(notification, target) }
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

  func agentSent(_ notification: AgentNotification) async {
    if notification.isReplayed { return history.withLock { $0.append(notification) } }
    let target = state.withLock { state -> Target? in
      switch state {
      case .early(let kept):
        if kept.count < Self.maximumEarly { state = .early(kept + [notification]) }
        return nil
      case .sharing(let target): return target
      case .ended: return nil
      }
    }
    if let target { await Self.publish(notification, target) }
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
