import AgentClientProtocol
import Basics
import JSONText

/// What a host sees of a shared session in a terminal: a pure value that takes events and returns text.
///
/// It knows what waits for the host, each under a number they can type, and whether the agent is in the middle of a line.
struct ConversationView: Sendable {
  /// What waits for the host.
  var questions: ConsoleQuestions
  private let rows: Int
  /// The kind of chunk whose line isn't finished.
  private var openChunk: String?
  /// The tenths of the agent's memory that were used when this was shown last.
  private var usedTenths = 0

  init(limits: ConsoleQuestions.Limits = .init()) {
    questions = ConsoleQuestions(limits: limits)
    rows = limits.rows
  }

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
      guard let id = approval?["id"]?.string, let prompt = approval?["prompt"]?.string else { return nil }
      let content = approval?["content"]
      return String(questions.proposed(prompt, content: content, approvalID: id, by: name).dropLast())
        + Self.consequence(approval)
    case "prompt_approved":
      let text = approval?["editedPrompt"]?.string ?? approval?["prompt"]?.string ?? ""
      return "> \(ended(approval, "was approved"))approved: \(Self.indented(text))"
    case "prompt_vote":
      return "* \(name) agrees: \(payload["votes"]?.integer ?? 0) of \(payload["needed"]?.integer ?? 0)"
    case "prompt_rejected": return "* \(ended(approval, "was rejected"))rejected by \(name)"
    case "prompt_withdrawn": return "* \(ended(approval, "was withdrawn by its author"))withdrawn"
    case "prompt_expired": return "* \(ended(approval, "has expired"))expired"
    case "permission_requested":
      return permission(approval)
    case "permission_resolved":
      let option = approval?["options"]?.elements.first { $0["optionId"]?.string == approval?["optionId"]?.string }
      let answer = VisibleText.show(option?["name"]?.string ?? "", keepsLines: false)
      return "* \(name) has answered the agent: \(answer)"
    case "permission_withdrawn": return "* the agent no longer asks"
    case "question_requested":
      guard let form = approval.flatMap({ QuestionForm($0) }) else { return nil }
      return String(questions.inquired(form).dropLast())
    case "question_resolved":
      let isTold = approval?["status"]?.string == "approved"
      let asked = ended(approval, isTold ? "is answered" : "was declined")
      let answer = approval?["answer"].map { ": \(VisibleText.show($0.description, keepsLines: false))" } ?? ""
      return "* \(asked)\(name) \(isTold ? "has answered the agent" : "has declined to answer the agent")\(answer)"
    case "question_withdrawn": return "* \(ended(approval, "is no longer asked"))the agent no longer asks"
    case "prompt_dispatch_started": return nil
    case "prompt_dispatch_completed":
      if payload["interruptedByApprovalId"] != nil { return "* the turn was stopped for another prompt" }
      let reason = payload["stopReason"]?.string ?? ""
      return reason == "end_turn" ? "* the turn is over" : "* the turn is over: \(VisibleText.show(reason))"
    case "prompt_dispatch_failed":
      questions.ended(approvalID: payload["approvalId"]?.string, "has failed")
      return "! the prompt failed: \(Self.indented(payload["error"]?.string ?? ""))"
    case "session_closed": return "* the session is \(VisibleText.show(payload["status"]?.string ?? "closed"))"
    case "stream_reset": return Self.skipped
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
    case "current_mode_update":
      return endLine()
        + "* the agent's mode is now \(VisibleText.show(update["currentModeId"]?.string ?? "", keepsLines: false))\n"
    case "session_info_update":
      guard let title = update["title"]?.string else { return nil }
      return endLine() + "* it is about: \(VisibleText.show(title, keepsLines: false))\n"
    case "usage_update": return usage(update)
    default: return nil
    }
  }

  /// How full the agent's memory is, each time another tenth of it is used.
  private mutating func usage(_ update: JSONText) -> String? {
    guard let used = update["used"]?.double, let size = update["size"]?.double, size > 0, used >= 0 else { return nil }
    let tenths = Int(min(used / size, 1) * 10)
    defer { usedTenths = tenths }
    return tenths == usedTenths ? nil : endLine() + "* \(tenths * 10) % of the agent's memory is used\n"
  }

  /// What else there is to know for a decision, on a line of its own.
  private static func consequence(_ approval: JSONText?) -> String {
    if approval?["kind"]?.string == "control" { return "\n    It changes how the agent works from then on." }
    if approval?["delivery"]?.string == "interrupt" { return "\n    It stops what runs then, and runs next." }
    return ""
  }

  /// Ends the agent's unfinished line, if there is one.
  private mutating func endLine() -> String {
    defer { openChunk = nil }
    return openChunk == nil ? "" : "\n"
  }

  /// What stands in the place of what can't be shown.
  private static let skipped = "! something is missing here; your own link shows what waits for you"

  /// An event could not be read.
  mutating func skippedEvent() -> String {
    endLine() + Self.skipped + "\n"
  }

  /// A line of our own, on a line of its own.
  mutating func remark(_ text: String) -> String {
    endLine() + text
  }

  /// The question of the agent with everything that there is to know for an answer.
  mutating func question(_ request: AgentPermissionRequest) -> String {
    endLine() + questions.asked(request)
  }

  /// Somebody else has answered the agent's question.
  mutating func answered(_ request: AgentPermissionRequest, _ option: String, by name: String) -> String {
    let asked = questions.name(ofKey: request.key).map { "[\($0)] " } ?? ""
    return endLine() + "* \(asked)\(VisibleText.show(name, keepsLines: false)) has answered the agent "
      + "(\(ToolCallText.headline(request.title))): \(VisibleText.show(option, keepsLines: false))\n"
  }

  /// A question that can't be answered here.
  private func permission(_ approval: JSONText?) -> String {
    let options = (approval?["options"]?.elements ?? []).compactMap { AgentPermissionRequest.Option($0) }
    let call = ToolCallText(approval?["toolCall"] ?? .null, options: options, rows: rows)
    return "? The agent asks: \(ToolCallText.headline(approval?["prompt"]?.string ?? ""))\n\(call.text)"
      + "    Answer it in the session."
  }

  private mutating func ended(_ approval: JSONText?, _ how: String) -> String {
    questions.ended(approvalID: approval?["id"]?.string, how).map { "[\($0)] " } ?? ""
  }

  private static func name(_ participant: JSONText?) -> String {
    let name = participant?["displayName"]?.string ?? participant?["userId"]?.string ?? "somebody"
    return VisibleText.show(name, keepsLines: false)
  }

  /// Text of several lines keeps the space in front of its first one, so that no line of it looks like ours.
  private static func indented(_ text: String) -> String {
    VisibleText.lines(text).joined(separator: "\n      | ")
  }
}
