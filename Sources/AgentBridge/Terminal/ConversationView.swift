import AgentClientProtocol
import JSONText

/// What a host sees of a shared session in a terminal: a pure value that takes events and returns text.
///
/// It remembers the prompts that wait, each under a number the host can type, and whether the agent is in the middle of
/// a line.
struct ConversationView: Sendable {
  /// A prompt that waits for the host.
  struct Pending: Sendable, Hashable {
    let number: Int
    let approvalID: String
  }

  /// The prompts that wait, oldest first.
  private(set) var pending: [Pending] = []
  private var nextNumber = 1
  /// The kind of chunk whose line isn't finished.
  private var openChunk: String?

  /// The head of the view.
  static func head(_ session: SharedSession) -> String {
    """
    Sharing on \(session.server)

      Invite others:   \(session.inviteURL)
      Your own link:   \(session.hostURL)
                       (keep it to yourself: it decides about prompts)

    Ctrl-C ends sharing.

    """
  }

  /// What an event looks like; nil when it isn't shown.
  mutating func show(_ event: JSONText) -> String? {
    guard let type = event["type"]?.string, let payload = event["payload"] else { return nil }
    if type == "host_session_update" { return update(payload["notification"]?["params"]?["update"]) }
    guard let line = line(type, payload) else { return nil }
    return endLine() + line + "\n"
  }

  private mutating func line(_ type: String, _ payload: JSONText) -> String? {
    let approval = payload["approval"]
    let name = Self.name(payload["participant"])
    switch type {
    case "participant_joined": return "* \(name) joined"
    case "participant_left": return "* \(name) left"
    case "message_created":
      guard payload["message"]?["kind"]?.string != "prompt" else { return nil }
      return "\(name): \(Self.indented(payload["message"]?["text"]?.string ?? ""))"
    case "prompt_pending_approval":
      guard let id = approval?["id"]?.string else { return nil }
      let number = nextNumber
      nextNumber += 1
      pending.append(Pending(number: number, approvalID: id))
      let prompt = Self.indented(approval?["prompt"]?.string ?? "")
      return "[\(number)] \(name) proposes: \(prompt)\n    a \(number) approves, r \(number) rejects"
    case "prompt_approved":
      let text = approval?["editedPrompt"]?.string ?? approval?["prompt"]?.string ?? ""
      return "> \(Self.settled(&pending, approval))approved: \(Self.indented(text))"
    case "prompt_rejected": return "* \(Self.settled(&pending, approval))rejected by \(name)"
    case "prompt_withdrawn": return "* \(Self.settled(&pending, approval))withdrawn"
    case "prompt_expired": return "* \(Self.settled(&pending, approval))expired"
    case "permission_requested":
      return "? The agent asks: \(Self.indented(approval?["prompt"]?.string ?? ""))\n    Answer it in the session."
    case "permission_resolved":
      let option = approval?["options"]?.elements.first { $0["optionId"]?.string == approval?["optionId"]?.string }
      let answer = VisibleText.show(option?["name"]?.string ?? "", keepsLines: false)
      return "* \(name) has answered the agent: \(answer)"
    case "permission_withdrawn": return "* the agent no longer asks"
    case "prompt_dispatch_started": return nil
    case "prompt_dispatch_completed":
      let reason = payload["stopReason"]?.string ?? ""
      return reason == "end_turn" ? "* the turn is over" : "* the turn is over: \(VisibleText.show(reason))"
    case "prompt_dispatch_failed":
      if let id = payload["approvalId"]?.string { pending.removeAll { $0.approvalID == id } }
      return "! the prompt failed: \(Self.indented(payload["error"]?.string ?? ""))"
    case "session_closed": return "* the session is \(VisibleText.show(payload["status"]?.string ?? "closed"))"
    case "stream_reset": return "! some events could not be shown"
    default: return nil
    }
  }

  private mutating func update(_ update: JSONText?) -> String? {
    guard let update, let kind = update["sessionUpdate"]?.string else { return nil }
    switch kind {
    case "agent_message_chunk", "agent_thought_chunk":
      guard let text = update["content"]?["text"]?.string else { return nil }
      let start = openChunk == kind ? "" : endLine() + (kind == "agent_thought_chunk" ? "(thinks) " : "")
      openChunk = kind
      return start + VisibleText.show(text)
    case "tool_call":
      let title = VisibleText.show(update["title"]?.string ?? "", keepsLines: false)
      return endLine() + "- \(title)\n"
    case "tool_call_update":
      guard let status = update["status"]?.string, status == "failed" else { return nil }
      return endLine() + "- failed: \(VisibleText.show(update["title"]?.string ?? "a tool call", keepsLines: false))\n"
    case "plan":
      let entries = (update["entries"]?.elements ?? []).map { entry in
        let mark = entry["status"]?.string == "completed" ? "x" : " "
        return "  [\(mark)] \(VisibleText.show(entry["content"]?.string ?? "", keepsLines: false))\n"
      }
      return endLine() + "Plan:\n" + entries.joined()
    default: return nil
    }
  }

  /// Ends the agent's unfinished line, if there is one.
  private mutating func endLine() -> String {
    defer { openChunk = nil }
    return openChunk == nil ? "" : "\n"
  }

  /// The question of the agent with its answers, numbered from 1.
  mutating func question(_ request: AgentPermissionRequest) -> String {
    let options = request.options.enumerated().map { index, option in
      "    \(index + 1)  \(VisibleText.show(option.name, keepsLines: false))\n"
    }
    return endLine() + "? The agent asks: \(Self.indented(request.title))\n\(options.joined())"
      + "    Type a number; anything else leaves it open.\n"
  }

  /// Somebody else has answered the agent's question.
  mutating func answered(_ request: AgentPermissionRequest, _ option: String, by name: String) -> String {
    let title = VisibleText.show(request.title, keepsLines: false)
    return endLine() + "* \(VisibleText.show(name, keepsLines: false)) has answered the agent (\(title)): "
      + VisibleText.show(option, keepsLines: false) + "\n"
  }

  private static func settled(_ pending: inout [Pending], _ approval: JSONText?) -> String {
    guard let id = approval?["id"]?.string, let index = pending.firstIndex(where: { $0.approvalID == id }) else {
      return ""
    }
    return "[\(pending.remove(at: index).number)] "
  }

  private static func name(_ participant: JSONText?) -> String {
    let name = participant?["displayName"]?.string ?? participant?["userId"]?.string ?? "somebody"
    return VisibleText.show(name, keepsLines: false)
  }

  /// Text of several lines keeps the space in front of its first one, so that no line of it looks like ours.
  private static func indented(_ text: String) -> String {
    VisibleText.show(text).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n      | ")
  }
}
