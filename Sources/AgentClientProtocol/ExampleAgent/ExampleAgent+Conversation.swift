import JSONText

extension ExampleAgent {
  /// The conversation it knows of from earlier.
  static let earlier = "example-earlier"

  /// The answer to `session/list`.
  static func conversations(in directory: String) -> JSONText {
    let conversation = JSONText {
      $0.add("sessionId", earlier)
      $0.add("cwd", directory)
      $0.add("title", "A greeting for everybody")
      $0.add("updatedAt", "2026-01-01T12:00:00Z")
    }
    return JSONText { $0.add("sessions", JSONText(array: [conversation])) }
  }

  /// What was said in it.
  func replay() {
    let said = [
      ("user_message_chunk", "Can the greeting be friendlier?"),
      ("agent_message_chunk", "It can. Shall it name the whole world?"),
    ]
    for (kind, text) in said {
      send(Self.earlier, kind) { update in
        update.add("content") {
          $0.add("type", "text")
          $0.add("text", text)
        }
      }
    }
  }
}
