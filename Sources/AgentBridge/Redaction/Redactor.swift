import AgentClientProtocol
import JSONText
import Synchronization

/// Takes the secrets out of what an agent says before it leaves this machine; safe to share, its state sits in a `Mutex`.
///
/// The pieces of a message are one text to it: a secret that is split over them is found. What could become one is held
/// back until the next piece, or until the turn has ended.
final class Redactor: Sendable {
  /// The pieces of messages that are followed at once. An agent writes one or two.
  private static let maximumStreams = 16

  private struct Key: Hashable {
    let sessionID: String
    let kind: String
  }

  private struct Message {
    let id: JSONText?
    var stream: SecretStream
  }

  private struct State {
    var messages: [Key: Message] = [:]
    /// The keys, the oldest first.
    var order: [Key] = []
    var count = RedactionCount()
  }

  private let patterns: SecretPatterns
  private let state = Mutex(State())

  init(_ patterns: SecretPatterns) {
    self.patterns = patterns
  }

  /// What may be published now: the end of the message before, then the update, if anything is left of it.
  func redact(_ notification: AgentNotification) -> [AgentNotification] {
    state.withLock { state in
      guard let text = Self.piece(notification) else {
        return [AgentNotification(patterns.redact(notification.text, &state.count))].compactMap(\.self)
      }
      let key = Key(sessionID: notification.sessionID, kind: notification.kind)
      let id = notification.update["messageId"]
      var output: [AgentNotification] = []
      if let message = state.messages[key], message.id != id { output += Self.finish(key, &state) }
      if state.messages[key] == nil {
        if state.order.count >= Self.maximumStreams { output += Self.finish(state.order[0], &state) }
        state.messages[key] = Message(id: id, stream: SecretStream(patterns))
        state.order.append(key)
      }
      var shown = state.messages[key]?.stream.append(text) ?? []
      shown += state.messages[key]?.stream.release() ?? []
      if shown.isEmpty, !text.isEmpty, TextChunk(notification.text) != nil { return output }
      let rest = shown == text ? notification.text : Self.replacingText(notification.text, shown)
      return output + [AgentNotification(patterns.redact(rest, &state.count))].compactMap(\.self)
    }
  }

  /// What was held back: the messages have ended.
  func finish() -> [AgentNotification] {
    state.withLock { state in state.order.flatMap { Self.finish($0, &state) } }
  }

  /// A value of the agent that is said as a whole.
  func redact(_ value: JSONText) -> JSONText {
    state.withLock { patterns.redact(value, &$0.count) }
  }

  /// A question of the agent as others see it.
  func redact(_ request: AgentPermissionRequest) -> AgentPermissionRequest {
    state.withLock { state in request.mapped { patterns.redact($0, &state.count) } }
  }

  /// A text of a few words, such as a name or an error.
  func redact(_ text: String) -> String {
    state.withLock { patterns.redact(text, &$0.count) }
  }

  /// What was removed since this was asked last.
  func takeCount() -> RedactionCount {
    state.withLock { state in
      for key in state.order {
        state.count.add(state.messages[key]?.stream.takeCounts() ?? [:])
      }
      defer { state.count = RedactionCount() }
      return state.count
    }
  }

  // MARK: - Pieces

  /// The text of an update that is a piece of a message.
  private static func piece(_ notification: AgentNotification) -> [UInt8]? {
    guard notification.kind.hasSuffix("_chunk"), let content = notification.update["content"],
      content["type"]?.string == "text", let text = content["text"]?.string
    else { return nil }
    return Array(text.utf8)
  }

  private static func replacingText(_ notification: JSONText, _ text: [UInt8]) -> JSONText {
    let new = JSONText(string: String(decoding: text, as: UTF8.self))
    return notification.replacing(["params", "update", "content", "text"], with: new)
  }

  private static func finish(_ key: Key, _ state: inout State) -> [AgentNotification] {
    state.order.removeAll { $0 == key }
    guard var message = state.messages.removeValue(forKey: key) else { return [] }
    let rest = message.stream.finish()
    state.count.add(message.stream.takeCounts())
    return [piece(key, message.id, rest)].compactMap(\.self)
  }

  private static func piece(_ key: Key, _ messageID: JSONText?, _ text: [UInt8]) -> AgentNotification? {
    guard !text.isEmpty else { return nil }
    return AgentNotification(
      JSONText { message in
        message.add("jsonrpc", "2.0")
        message.add("method", "session/update")
        message.add("params") { params in
          params.add("sessionId", key.sessionID)
          params.add("update") { update in
            update.add("sessionUpdate", key.kind)
            update.add("content") {
              $0.add("type", "text")
              $0.add("text", String(decoding: text, as: UTF8.self))
            }
            update.add("messageId", messageID)
          }
        }
      })
  }
}

extension JSONText {
  /// The same value with another one at a path of fields; every other byte stays as it was.
  fileprivate func replacing(_ path: ArraySlice<String>, with new: JSONText) -> JSONText {
    guard let first = path.first else { return new }
    return editingMembers { name, value in
      name == first ? .replace(value.replacing(path.dropFirst(), with: new)) : .keep
    }
  }
}
