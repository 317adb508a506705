import JSONText

extension ExampleAgent {
  /// How the agent works in one session: what its client can change.
  struct Manner: Sendable {
    /// `code`, or `ask`, which asks before every edit.
    var mode = "code"
    /// `friendly` or `formal`.
    var tone = "friendly"
    /// Whether it thinks aloud in every turn.
    var thinksAloud = false
    /// The tokens it pretends to have used.
    var usedTokens = 2_000
    var isTitled = false
  }

  private static let modes = [
    ("code", "Code", "Edits without asking"), ("ask", "Ask first", "Asks before every edit"),
  ]
  private static let tones = [("friendly", "Friendly"), ("formal", "Formal")]

  /// The answer to `session/new` and its like.
  func openedSession(_ sessionID: String, isNew: Bool) -> JSONText {
    let manner = manner(sessionID)
    let modes = Self.modes.map { id, name, description in
      JSONText {
        $0.add("id", id)
        $0.add("name", name)
        $0.add("description", description)
      }
    }
    return JSONText { result in
      if isNew { result.add("sessionId", sessionID) }
      result.add("modes") {
        $0.add("currentModeId", manner.mode)
        $0.add("availableModes", JSONText(array: modes))
      }
      result.add("configOptions", options(sessionID))
    }
  }

  private func options(_ sessionID: String) -> JSONText {
    let manner = manner(sessionID)
    let tones = Self.tones.map { value, name in
      JSONText {
        $0.add("value", value)
        $0.add("name", name)
      }
    }
    var options = [
      JSONText {
        $0.add("id", "tone")
        $0.add("name", "Tone")
        $0.add("description", "How the greeting sounds")
        $0.add("type", "select")
        $0.add("currentValue", manner.tone)
        $0.add("options", JSONText(array: tones))
      }
    ]
    // Clients that know only lists must not be shown another kind.
    if client["session"]?["configOptions"]?["boolean"]?.kind == .object {
      options.append(
        JSONText {
          $0.add("id", "aloud")
          $0.add("name", "Think aloud")
          $0.add("type", "boolean")
          $0.add("currentValue", manner.thinksAloud)
        })
    }
    return JSONText(array: options)
  }

  /// Tells which commands a prompt can begin with.
  func tellCommands(_ sessionID: String) {
    let commands = [
      ("explain", "Think aloud before the edit", nil), ("long", "Take some time", "seconds"),
      ("permission", "Ask before the edit", nil),
    ]
    send(sessionID, "available_commands_update") { update in
      let list = commands.map { name, description, hint in
        JSONText { command in
          command.add("name", name)
          command.add("description", description)
          if let hint { command.add("input") { $0.add("hint", hint) } }
        }
      }
      update.add("availableCommands", JSONText(array: list))
    }
  }

  /// Tells what the conversation is about, once.
  func tellTitle(_ sessionID: String) {
    guard !manner(sessionID).isTitled else { return }
    change(sessionID) { $0.isTitled = true }
    send(sessionID, "session_info_update") { $0.add("title", "A friendlier greeting") }
  }

  /// Tells how much of what it can hold is used.
  func tellUsage(_ sessionID: String) {
    change(sessionID) { $0.usedTokens = min($0.usedTokens + 1_500, 200_000) }
    let used = manner(sessionID).usedTokens
    send(sessionID, "usage_update") {
      $0.add("used", used)
      $0.add("size", 200_000)
    }
  }

  /// The answer to `session/set_mode`; nil for a mode there is not.
  func setMode(_ params: JSONText?) -> JSONText? {
    guard let sessionID = params?["sessionId"]?.string, let mode = params?["modeId"]?.string,
      Self.modes.contains(where: { $0.0 == mode })
    else { return nil }
    change(sessionID) { $0.mode = mode }
    return JSONText { _ in }
  }

  /// The answer to `session/set_config_option`; nil for an option or a value there is not.
  func setOption(_ params: JSONText?) -> JSONText? {
    guard let sessionID = params?["sessionId"]?.string, let value = params?["value"] else { return nil }
    switch (params?["configId"]?.string, value.string, value.bool) {
    case ("tone", let tone?, _) where Self.tones.contains(where: { $0.0 == tone }):
      change(sessionID) { $0.tone = tone }
    case ("aloud", _, let aloud?): change(sessionID) { $0.thinksAloud = aloud }
    default: return nil
    }
    return JSONText { $0.add("configOptions", options(sessionID)) }
  }
}
