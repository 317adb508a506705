import JSONText

/// Everything in which versions of the protocol differ for us; an immutable value.
///
/// The state machine knows sessions, turns and questions; how a version writes them is here. Version 1 ends a turn with
/// the prompt's own answer. The draft of version 2 answers a prompt at once and ends its turn with a `state_update`; that
/// part is here already, and what else it will need belongs here, too.
struct ProtocolAdapter: Sendable, Hashable {
  /// What is said in `initialize`.
  let version: Int64

  /// The version that is spoken.
  static let current = ProtocolAdapter(version: AgentDescription.protocolVersion)

  /// What is sent for a request of ours.
  func request(for call: AgentCall) -> (method: String, params: JSONText) {
    (call.method, call.parameters)
  }

  /// What is sent back for a question of the agent.
  func result(of outcome: AgentPermissionOutcome) -> JSONText { outcome.result }

  /// What a prompt's answer says of its turn: nil when the turn has only begun.
  func turnEnd(inAnswer result: JSONText) -> JSONText? {
    version < 2 || result["stopReason"]?.string != nil ? result : nil
  }

  /// What an update says of the turn it belongs to: nil when that goes on.
  func turnEnd(in notification: AgentNotification) -> JSONText? {
    guard version >= 2, notification.kind == "state_update", notification.update["state"]?.string == "idle" else {
      return nil
    }
    return JSONText { $0.add("stopReason", notification.update["stopReason"]?.string ?? "end_turn") }
  }
}
