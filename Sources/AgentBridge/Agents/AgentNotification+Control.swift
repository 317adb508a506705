import AgentClientProtocol
import JSONText

extension AgentNotification {
  /// The update that says what a control has changed. Agents need not send one themselves for what they were asked to do.
  ///
  /// - Parameter result: what the agent answered. For an option it holds all options as they are now.
  /// - Returns: nil when the answer does not say how things are.
  static func change(_ control: AgentControl, result: JSONText, sessionID: String) -> AgentNotification? {
    switch control {
    case .mode(let id):
      return update(sessionID) {
        $0.add("sessionUpdate", "current_mode_update")
        $0.add("currentModeId", id)
      }
    case .option:
      guard let options = result["configOptions"], options.kind == .array else { return nil }
      return update(sessionID) {
        $0.add("sessionUpdate", "config_option_update")
        $0.add("configOptions", options)
      }
    }
  }

  private static func update(_ sessionID: String, _ write: (inout JSONObjectWriter) -> Void) -> AgentNotification? {
    let text = JSONText {
      $0.add("jsonrpc", "2.0")
      $0.add("method", "session/update")
      $0.add("params") { params in
        params.add("sessionId", sessionID)
        params.add("update", object: write)
      }
    }
    return AgentNotification(text)
  }
}
