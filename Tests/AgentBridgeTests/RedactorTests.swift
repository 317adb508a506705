import AgentClientProtocol
import JSONText
import Testing

@testable import AgentBridge

/// What an agent says, on its way out.
struct RedactorTests {
  private static let secret = "ghp_" + String(repeating: "aB3", count: 20)
  private let redactor = Redactor(SecretPatterns())

  private func chunk(
    _ text: String, _ kind: String = "agent_message_chunk", message: String? = nil, more: String = ""
  ) -> [String] {
    let id = message.map { #","messageId":"\#($0)""# } ?? ""
    return publish(#"{"sessionUpdate":"\#(kind)","content":{"type":"text","text":"\#(text)"\#(more)}\#(id)}"#)
  }

  private func publish(_ update: String) -> [String] {
    let text =
      try? JSONText(
        validating: #"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":\#(update)}}"#)
    return text.flatMap { AgentNotification($0) }.map { redactor.redact($0).map(Self.word) } ?? ["unreadable"]
  }

  private static func word(_ notification: AgentNotification) -> String {
    let update = notification.update
    return update["content"]?["text"]?.string ?? update["title"]?.string ?? notification.kind
  }

  @Test func aSecretInPiecesIsRemovedOnce() {
    var shown = ""
    for scalar in "my \(Self.secret) is secret".unicodeScalars { shown += chunk(String(scalar)).joined() }
    shown += redactor.finish().map(Self.word).joined()
    #expect(shown == "my ghp_[removed: GitHub token] is secret")
    #expect(redactor.takeCount().kinds == ["GitHub token": 1] && redactor.takeCount().isEmpty)
  }

  /// Another update in between doesn't make two texts of one.
  @Test func whatComesBetweenKeepsItsPlace() {
    #expect(chunk("see gh") == ["see gh"])
    #expect(publish(#"{"sessionUpdate":"usage_update"}"#) == ["usage_update"])
    #expect(chunk(String(Self.secret.dropFirst(2).prefix(9))).isEmpty)
    #expect(chunk("thinking", "agent_thought_chunk") == ["thinking"])
    #expect(publish(#"{"sessionUpdate":"tool_call","title":"t"}"#) == ["t"])
    #expect(chunk(String(Self.secret.dropFirst(11))) == ["[removed: GitHub token]"])
    #expect(redactor.finish().isEmpty)
  }

  @Test func anotherMessageEndsTheOneBefore() {
    #expect(chunk("ends with ghp_abc", message: "1") == ["ends with "])
    #expect(chunk("another", message: "2") == ["ghp_abc", "another"])
    #expect(chunk("ghp_x", message: "2").isEmpty)
    #expect(
      redactor.finish().map(\.text.description) == [
        #"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"ghp_x"},"messageId":"2"}}}"#
      ])
  }

  @Test func whatHoldsNoSecretPassesByteForByte() throws {
    let line =
      #"{ "jsonrpc":"2.0", "method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"x_chunk","content":{"type":"text","text":"a\u00e9"}, "n":12345678901234567890}}}"#
    let notification = try #require(AgentNotification(try JSONText(validating: line)))
    #expect(redactor.redact(notification).map(\.text.description) == [line])
  }

  /// Pieces with more in them than text are one message, too.
  @Test func piecesWithAnnotations() {
    let more = #","annotations":{"token":"abc"}"#
    #expect(chunk(String(Self.secret.prefix(20)), more: more) == [""])
    #expect(chunk(String(Self.secret.dropFirst(20)) + " x", more: more) == ["[removed: GitHub token] x"])
    #expect(redactor.takeCount().kinds == ["GitHub token": 1, "secret value": 2])
  }

  @Test func manyMessagesAtOnceAreBounded() {
    for number in 0..<100 { _ = chunk("ghp_\(number)", "k\(number)_chunk") }
    #expect(redactor.finish().count == 16)
  }

  @Test func aQuestionIsRedacted() throws {
    let params = try JSONText(
      validating:
        #"{"sessionId":"s","toolCall":{"toolCallId":"c","title":"use \#(Self.secret)","rawInput":{"password":"p"}},"#
        + #""options":[{"optionId":"\#(Self.secret)","name":"with \#(Self.secret)","kind":"allow_once"}]}"#)
    let shown = redactor.redact(try #require(AgentPermissionRequest(key: 1, params: params)))
    #expect(shown.title == "use [removed: GitHub token]")
    #expect(shown.toolCall["rawInput"]?["password"]?.string == "[removed: secret value]")
    #expect(shown.options.first?.name == "with [removed: GitHub token]")
    #expect(shown.options.first?.id == Self.secret, "the agent's answer needs it")
  }
}
