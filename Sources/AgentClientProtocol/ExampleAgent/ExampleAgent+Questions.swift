import JSONText

/// What the example agent wants to know of its people, where its client asks them.
extension ExampleAgent {
  /// Asks for a few fields and says what it was told; false when the turn is to end.
  func inquire(_ message: String, _ sessionID: String) async -> Bool {
    guard client["elicitation"]?["form"] != nil else {
      say("Nobody can be asked here. ", message, sessionID)
      return true
    }
    let params = JSONText {
      $0.add("mode", "form")
      $0.add("sessionId", sessionID)
      $0.add("message", "How should the greeting sound?")
      $0.add("requestedSchema", Self.form)
    }
    return tell(await ask("elicitation/create", params), message, sessionID)
  }

  /// Asks somebody to open a page; false when the turn is to end.
  func sendToPage(_ message: String, _ sessionID: String) async -> Bool {
    guard client["elicitation"]?["url"] != nil else {
      say("No page can be opened here. ", message, sessionID)
      return true
    }
    let params = JSONText {
      $0.add("mode", "url")
      $0.add("sessionId", sessionID)
      $0.add("message", "Please read what a greeting is.")
      $0.add("elicitationId", "page-\(turnNumber(sessionID))")
      $0.add("url", "https://example.com/greetings?from=agent")
    }
    return tell(await ask("elicitation/create", params), message, sessionID)
  }

  private func tell(_ answer: JSONText?, _ message: String, _ sessionID: String) -> Bool {
    switch answer?["action"]?.string {
    case "accept":
      let fields = (answer?["content"]?.members ?? []).map { "\($0.name) = \($0.value.description)" }
      say(fields.isEmpty ? "Thank you. " : "I was told: \(fields.joined(separator: ", ")). ", message, sessionID)
      return true
    case "decline":
      say("Nobody wants to say; I go on without. ", message, sessionID)
      return true
    default: return !isCancelled(sessionID)
    }
  }

  private static let form = JSONText { schema in
    schema.add("type", "object")
    schema.add("properties") { properties in
      properties.add("name") {
        $0.add("type", "string")
        $0.add("title", "Whom to greet")
        $0.add("minLength", 1)
        $0.add("maxLength", 40)
      }
      properties.add("tone") {
        $0.add("type", "string")
        $0.add("title", "Tone")
        $0.add("enum", JSONText(array: ["friendly", "formal"].map { JSONText(string: $0) }))
        $0.add("default", "friendly")
      }
      properties.add("times") {
        $0.add("type", "integer")
        $0.add("title", "How often")
        $0.add("minimum", 1)
        $0.add("maximum", 3)
      }
      properties.add("loud") {
        $0.add("type", "boolean")
        $0.add("title", "Loudly")
      }
    }
    schema.add("required", JSONText(array: [JSONText(string: "name")]))
  }
}
