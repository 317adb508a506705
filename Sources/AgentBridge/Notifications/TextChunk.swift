import JSONText

/// A piece of text in a `session/update`, in the plain form that can be joined with its neighbour; an immutable value.
///
/// A notification with anything else in it (annotations, `_meta`, another kind of content) is none: joining would lose it.
struct TextChunk: Sendable, Hashable {
  private let sessionID: String
  private let kind: String
  private let messageID: JSONText?
  private let text: String

  init?(_ notification: JSONText) {
    guard notification.holdsOnly(["jsonrpc", "method", "params"]), notification["method"]?.string == "session/update",
      let params = notification["params"], params.holdsOnly(["sessionId", "update"]),
      let sessionID = params["sessionId"]?.string,
      let update = params["update"], update.holdsOnly(["sessionUpdate", "content", "messageId"]),
      let kind = update["sessionUpdate"]?.string, kind.hasSuffix("_chunk"),
      let content = update["content"], content.holdsOnly(["type", "text"]), content["type"]?.string == "text",
      let text = content["text"]?.string
    else { return nil }
    self.init(sessionID: sessionID, kind: kind, messageID: update["messageId"], text: text)
  }

  private init(sessionID: String, kind: String, messageID: JSONText?, text: String) {
    self.sessionID = sessionID
    self.kind = kind
    self.messageID = messageID
    self.text = text
  }

  /// This piece and the next one of the same message as one; nil when they don't belong together or get too long.
  func joined(with next: TextChunk, limit: Int) -> TextChunk? {
    guard sessionID == next.sessionID, kind == next.kind, messageID == next.messageID,
      text.utf8.count + next.text.utf8.count <= limit
    else { return nil }
    return TextChunk(sessionID: sessionID, kind: kind, messageID: messageID, text: text + next.text)
  }

  /// The notification that says it.
  var notification: JSONText {
    JSONText { message in
      message.add("jsonrpc", "2.0")
      message.add("method", "session/update")
      message.add("params") { params in
        params.add("sessionId", sessionID)
        params.add("update") { update in
          update.add("sessionUpdate", kind)
          update.add("content") {
            $0.add("type", "text")
            $0.add("text", text)
          }
          update.add("messageId", messageID)
        }
      }
    }
  }
}

extension JSONText {
  fileprivate func holdsOnly(_ names: Set<String>) -> Bool {
    kind == .object && members.allSatisfy { names.contains($0.name) }
  }
}
