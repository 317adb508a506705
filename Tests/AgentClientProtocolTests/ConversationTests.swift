import Basics
import JSONText
import NIOCore
import Testing

@testable import AgentClientProtocol

/// Earlier conversations and what sessions are opened with.
struct ConversationTests {
  private typealias Machine = AgentConnectionStateMachine<String>

  private func update(_ number: Int, _ size: Int = 0) -> LineFramer.Line {
    let text = String(repeating: "x", count: size)
    return .complete(
      ByteBuffer(
        string:
          #"{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"k","n":\#(number),"t":"\#(text)"}}}"#
      ))
  }

  private func numbers(_ actions: [Machine.Action]) -> [String] {
    actions.compactMap { action in
      switch action {
      case .deliver(let update): "\(update.update["n"]?.description ?? "?")\(update.isReplayed ? "r" : "")"
      case .resume(_, .success): "resumed"
      case .resume(_, .failure(let error)): "\(error.code)"
      case .note(.replayCut(let count)): "cut \(count)"
      default: nil
      }
    }
  }

  private func load(_ machine: inout Machine) -> Int64 {
    machine.request(.loadSession("s", workingDirectory: "/", wantsReplay: true), waiter: "w").id
  }

  @Test func theReplayComesBeforeTheAnswerAndBeforeWhatIsLive() {
    var machine = Machine(limits: .init())
    _ = load(&machine)
    #expect(numbers(machine.receive(update(1)) + machine.receive(update(2))).isEmpty)
    let answer = machine.receive(.complete(ByteBuffer(string: #"{"id":0,"result":null}"#)))
    #expect(numbers(answer) == ["1r", "2r", "resumed"])
    #expect(numbers(machine.receive(update(3))) == ["3"])
  }

  @Test func theEndOfALongReplayIsKept() {
    var limits = AgentConfiguration.Limits()
    limits.replayedUpdates = 3
    limits.replayedBytes = 400
    var machine = Machine(limits: limits)
    _ = load(&machine)
    for number in 1...10 { _ = machine.receive(update(number)) }
    let answer = machine.receive(.complete(ByteBuffer(string: #"{"id":0,"result":null}"#)))
    #expect(numbers(answer) == ["cut 7", "8r", "9r", "10r", "resumed"])
    var other = Machine(limits: limits)
    _ = load(&other)
    _ = other.receive(update(1))
    _ = other.receive(update(2, 1_000))
    #expect(numbers(other.receive(.complete(ByteBuffer(string: #"{"id":0,"result":null}"#)))) == ["cut 2", "resumed"])
  }

  /// A load that fails or is given up leaves nothing, and the agent is told.
  @Test func aLoadThatFails() {
    var machine = Machine(limits: .init())
    _ = load(&machine)
    _ = machine.receive(update(1))
    _ = machine.receive(.complete(ByteBuffer(string: #"{"id":0,"error":{"code":-32002,"message":"gone"}}"#)))
    let id = load(&machine)
    _ = machine.receive(update(2))
    while machine.nextOutgoing() != nil {}
    #expect(numbers(machine.abandon(id, because: AgentError(.timedOut, ""))) == ["timedOut"])
    #expect(
      machine.nextOutgoing().map { String(buffer: $0) }
        == #"{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":1}}"# + "\n")
    _ = load(&machine)
    #expect(numbers(machine.receive(.complete(ByteBuffer(string: #"{"id":2,"result":{}}"#)))) == ["resumed"])
  }

  @Test func theLastConversation() throws {
    func conversation(_ text: String) throws -> AgentConversation? { AgentConversation(try JSONText(validating: text)) }
    let list = try [
      #"{"sessionId":"a","updatedAt":"2026-01-02T00:00:00Z"}"#,
      #"{"sessionId":"b","updatedAt":"2026-03-02T00:00:00Z"}"#,
      #"{"sessionId":"c"}"#, #"{"title":"no id"}"#,
    ].compactMap(conversation)
    #expect(list.map(\.id) == ["a", "b", "c"])
    #expect(AgentConversation.last(of: list)?.id == "b")
    #expect(AgentConversation.last(of: Array(list.suffix(1)))?.id == "c")
    #expect(AgentConversation.last(of: []) == nil)
  }

  @Test(arguments: [
    (#"{"mcpServers":{"a":{"command":"x"}}}"#, #"{"name":"a","command":"x","args":[],"env":[]}"#),
    (
      #"{"servers":{"a":{"command":"x","args":["y"],"env":{"K":"V"}}}}"#,
      #"{"name":"a","command":"x","args":["y"],"env":[{"name":"K","value":"V"}]}"#
    ),
    (
      #"{"a":{"type":"sse","url":"http://u","headers":{"H":"v"}}}"#,
      #"{"type":"sse","name":"a","url":"http://u","headers":[{"name":"H","value":"v"}]}"#
    ),
  ])
  func serversAreReadInTheFormsEditorsKeep(_ file: String, _ entry: String) throws {
    #expect(try MCPServer.list(file).map(\.text.description) == [entry])
  }

  @Test(arguments: [
    ("[]", "no object"), ("{", "no JSON"), (#"{"a":{}}"#, #""a" has neither"#),
    (#"{"a":{"command":"x","args":"y"}}"#, "args"),
    (#"{"a":{"command":"x","env":{"K":1}}}"#, "env"), (#"{"a":{"url":"x","headers":[]}}"#, "headers"),
  ])
  func whatIsWrongWithAFileOfServers(_ file: String, _ word: String) {
    #expect {
      try MCPServer.list(file)
    } throws: { "\($0)".contains(word) }
    #expect(throws: Never.self) { try MCPServer.list(#"{"mcpServers":{"off":{"disabled":true}}}"#) }
  }
}
