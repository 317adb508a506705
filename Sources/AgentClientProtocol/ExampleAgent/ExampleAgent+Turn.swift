import JSONText

extension ExampleAgent {
  /// What the agent does with a prompt.
  func runTurn(_ prompt: String, with attachments: [String] = [], sessionID: String) async -> AgentStopReason {
    let words = prompt.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
    let message = "message-\(turnNumber(sessionID))"
    say("Working on: ", message, sessionID)
    say(String(prompt.prefix(200)), message, sessionID)
    if !attachments.isEmpty { say("\nWith: \(attachments.joined(separator: ", ")). ", message, sessionID) }
    guard await pause(sessionID) else { return .cancelled }
    if words.contains("crash") {
      end(withStatus: 3)
      return .endTurn
    }
    if let place = words.firstIndex(of: "long") {
      let seconds = words.dropFirst(place + 1).first.flatMap { Int($0) } ?? 30
      return await tick(for: .seconds(min(max(seconds, 0), 86_400)), sessionID)
    }
    tellTitle(sessionID)
    if words.contains("explain") || manner(sessionID).thinksAloud { explain(message, sessionID) }
    if words.contains("secret") { leak(message, sessionID) }
    if words.contains("file") { await changeFile(message, sessionID) }
    if words.contains("run") { await runCommand(message, sessionID) }
    if words.contains("question"), await !inquire(message, sessionID) { return .cancelled }
    if words.contains("page"), await !sendToPage(message, sessionID) { return .cancelled }
    return await edit(asking: words.contains("permission") || manner(sessionID).mode == "ask", message, sessionID)
  }

  /// What a prompt holds beside texts: the kind, the type and how much of it arrived.
  static func attachments(_ blocks: [JSONText]) -> [String] {
    blocks.compactMap { block in
      switch block["type"]?.string {
      case "resource_link": "link \(block["uri"]?.string ?? "")"
      case "resource":
        "file \(block["resource"]?["uri"]?.string ?? "") \(bytes(block["resource"])) bytes"
      case let type? where type != "text": "\(type) \(block["mimeType"]?.string ?? "") \(bytes(block)) bytes"
      default: nil
      }
    }
  }

  private static func bytes(_ block: JSONText?) -> Int {
    if let text = block?["text"]?.string { return text.utf8.count }
    let base64 = block?["data"]?.string ?? block?["blob"]?.string ?? ""
    return base64.utf8.count / 4 * 3 - base64.utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count
  }

  /// A turn that only passes time.
  private func tick(for duration: Duration, _ sessionID: String) async -> AgentStopReason {
    let message = "ticks-\(turnNumber(sessionID))"
    let count = Int(duration / pace.tick)
    for number in 0..<count {
      say("tick \(number + 1)\n", message, sessionID)
      try? await Task.sleep(for: pace.tick)
      if isCancelled(sessionID) { return .cancelled }
    }
    say("The long turn is over.", message, sessionID)
    return .endTurn
  }

  /// A plan, a tool call with a diff, and a word at the end.
  private func edit(asking: Bool, _ message: String, _ sessionID: String) async -> AgentStopReason {
    let call = "call-\(turnNumber(sessionID))"
    plan(["in_progress", "pending"], sessionID)
    guard await pause(sessionID) else { return .cancelled }
    send(sessionID, "tool_call") {
      Self.describe(call, &$0)
      $0.add("status", "pending")
    }
    if asking {
      switch await mayEdit(call, sessionID) {
      case .selected("allow"): break
      case .selected:
        send(sessionID, "tool_call_update") {
          $0.add("toolCallId", call)
          $0.add("status", "failed")
        }
        say("Without permission the file stays as it is.", message, sessionID)
        return .endTurn
      case .cancelled: return .cancelled
      }
    }
    guard await pause(sessionID) else { return .cancelled }
    send(sessionID, "tool_call_update") {
      $0.add("toolCallId", call)
      $0.add("status", "completed")
      let diff = JSONText {
        $0.add("type", "diff")
        $0.add("path", "/example/greeting.txt")
        $0.add("oldText", "Hello\n")
        $0.add("newText", "Hello, world\n")
      }
      $0.add("content", JSONText(array: [diff]))
    }
    plan(["completed", "completed"], sessionID)
    guard await pause(sessionID) else { return .cancelled }
    say("Done: ", message, sessionID)
    let tone = manner(sessionID).tone == "formal" ? "more formal" : "friendlier"
    say("the greeting is \(tone) now.", message, sessionID)
    tellUsage(sessionID)
    return .endTurn
  }

  private func mayEdit(_ call: String, _ sessionID: String) async -> AgentPermissionOutcome {
    let options = [("allow", "Allow this edit", "allow_once"), ("reject", "Reject it", "reject_once")]
    let params = JSONText { params in
      params.add("sessionId", sessionID)
      params.add("toolCall") { Self.describe(call, &$0) }
      params.add(
        "options",
        JSONText(
          array: options.map { id, name, kind in
            JSONText {
              $0.add("optionId", id)
              $0.add("name", name)
              $0.add("kind", kind)
            }
          }))
    }
    let outcome = await ask("session/request_permission", params)?["outcome"]
    guard outcome?["outcome"]?.string == "selected", let id = outcome?["optionId"]?.string else { return .cancelled }
    return .selected(optionID: id)
  }

  private static func describe(_ call: String, _ object: inout JSONObjectWriter) {
    object.add("toolCallId", call)
    object.add("title", "Edit greeting.txt")
    object.add("kind", "edit")
  }

  private func plan(_ statuses: [String], _ sessionID: String) {
    let steps = ["Look at the greeting", "Make it friendlier"]
    let entries = zip(steps, statuses).map { step, status in
      JSONText {
        $0.add("content", step)
        $0.add("priority", "medium")
        $0.add("status", status)
      }
    }
    send(sessionID, "plan") { $0.add("entries", JSONText(array: entries)) }
  }

  func say(_ text: String, _ message: String, _ sessionID: String) {
    send(sessionID, "agent_message_chunk") { update in
      update.add("content") {
        $0.add("type", "text")
        $0.add("text", text)
      }
      update.add("messageId", message)
    }
  }

  /// Waits one step; false when the turn was cancelled meanwhile.
  private func pause(_ sessionID: String) async -> Bool {
    if pace.step > .zero { try? await Task.sleep(for: pace.step) }
    return !isCancelled(sessionID)
  }
}
