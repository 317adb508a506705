import Basics
import JSONText
import NIOCore
import Testing

@testable import AgentClientProtocol

/// The client's side of the protocol as scripts: a line or a call, then what has to be done.
struct AgentConnectionStateMachineTests {
  /// A machine, with its actions written as short words so that a script reads well.
  private struct Script {
    var machine: AgentConnectionStateMachine<String>

    init(_ change: (inout AgentConfiguration.Limits) -> Void = { _ in }) {
      var limits = AgentConfiguration.Limits()
      change(&limits)
      machine = AgentConnectionStateMachine(limits: limits)
    }

    @discardableResult
    mutating func call(_ call: AgentCall, _ waiter: String) -> [String] {
      words(machine.request(call, waiter: waiter).actions)
    }

    mutating func receive(_ line: String) -> [String] {
      words(machine.receive(.complete(ByteBuffer(string: line))))
    }

    mutating func written() -> [String] {
      var lines: [String] = []
      while let line = machine.nextOutgoing() { lines.append(String(String(buffer: line).dropLast())) }
      return lines
    }

    func words(_ actions: [AgentConnectionStateMachine<String>.Action]) -> [String] {
      actions.compactMap { action in
        switch action {
        // What the sessions were opened with has a test of its own.
        case .opened: nil
        case .resume(let waiter, .success(let value)): "\(waiter) <- \(value)"
        case .resume(let waiter, .failure(let error)): "\(waiter) failed \(error.code)"
        case .deliver(let notification): "deliver \(notification.update["n"]?.description ?? notification.kind)"
        case .askPermission(let request): "ask \(request.key) \(request.title)"
        case .useTool(let request): "use \(request.key) \(request.method)"
        case .withdrawPermission(let key): "withdraw \(key)"
        case .note(let note): "note \(Script.word(note))"
        }
      }
    }

    private static func word(_ note: AgentConnectionStateMachine<String>.Note) -> String {
      switch note {
      case .lineIgnored: "ignored"
      case .lineTooLong: "too long"
      case .methodUnknown(let method): "unknown \(method)"
      case .answerUnexpected: "unexpected"
      case .updateOfOtherSession: "other session"
      case .updatesDropped: "dropped"
      case .replayCut(let count): "cut \(count)"
      }
    }

    /// A machine with an open session "s" and nothing left to write.
    static func open() -> Script {
      var script = Script()
      script.call(.newSession(workingDirectory: "/w"), "new")
      _ = script.receive(#"{"id":0,"result":{"sessionId":"s"}}"#)
      _ = script.written()
      return script
    }
  }

  private func update(_ session: String, _ number: Int) -> String {
    #"{"method":"session/update","params":{"sessionId":"\#(session)","update":{"sessionUpdate":"k","n":\#(number)}}}"#
  }

  private let permission =
    #"{"id":0,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c","title":"rm"},"#
    + #""options":[{"optionId":"y","name":"Yes","kind":"allow_once"},{"optionId":"n","name":"No","kind":"reject_once"}]}}"#

  @Test func theCallsAreWhatTheProtocolAsksFor() {
    var script = Script()
    script.call(.initialize(clientName: "c", clientVersion: "1"), "a")
    script.call(.newSession(workingDirectory: "/w"), "b")
    script.call(.prompt(sessionID: "s", text: "hi \"you\""), "c")
    script.call(.authenticate(methodID: "m"), "d")
    script.call(.loadSession("o", workingDirectory: "/w"), "e")
    script.call(.resumeSession("o", workingDirectory: "/w"), "f")
    #expect(
      script.written() == [
        #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1,"clientCapabilities":{"fs":{"readTextFile":false,"writeTextFile":false},"terminal":false,"session":{"configOptions":{"boolean":{}}}},"clientInfo":{"name":"c","title":"c","version":"1"}}}"#,
        #"{"jsonrpc":"2.0","id":1,"method":"session/new","params":{"cwd":"/w","mcpServers":[]}}"#,
        #"{"jsonrpc":"2.0","id":2,"method":"session/prompt","params":{"sessionId":"s","prompt":[{"type":"text","text":"hi \"you\""}]}}"#,
        #"{"jsonrpc":"2.0","id":3,"method":"authenticate","params":{"methodId":"m"}}"#,
        #"{"jsonrpc":"2.0","id":4,"method":"session/load","params":{"sessionId":"o","cwd":"/w","mcpServers":[]}}"#,
        #"{"jsonrpc":"2.0","id":5,"method":"session/resume","params":{"sessionId":"o","cwd":"/w","mcpServers":[]}}"#,
      ])
    #expect(!script.machine.hasOutgoing)
  }

  @Test func answersFindTheirRequestInAnyOrder() {
    var script = Script()
    script.call(.authenticate(methodID: "m"), "a")
    script.call(.authenticate(methodID: "m"), "b")
    #expect(script.receive(#"{"id":1,"result":{"x":1}}"#) == [#"b <- {"x":1}"#])
    #expect(script.receive(#"{"id":0,"error":{"code":-32603,"message":"no"}}"#) == ["a failed refused"])
    #expect(script.receive(#"{"id":0,"result":{}}"#) == ["note unexpected"])
    #expect(script.receive(#"{"id":"1","result":{}}"#) == ["note unexpected"])
    #expect(script.receive(#"{"id":null,"error":{"code":-32700,"message":"?"}}"#) == ["note unexpected"])
  }

  @Test func rubbishIsIgnored() {
    var script = Script.open()
    for line in ["Welcome!", "[]", "{}", "\u{1b}[0m", "{\"id\":"] {
      #expect(script.receive(line) == ["note ignored"])
    }
    #expect(script.words(script.machine.receive(.tooLong)) == ["note too long"])
    #expect(script.receive(update("s", 1)) == ["deliver 1"])
    #expect(script.written() == [])
  }

  @Test func whatIsNotOfferedIsRefused() {
    var script = Script.open()
    #expect(script.receive(#"{"id":0,"method":"fs/read_text_file","params":{}}"#) == ["note unknown fs/read_text_file"])
    #expect(script.receive(#"{"id":"x","method":"_vendor/y"}"#) == ["note unknown _vendor/y"])
    #expect(
      script.written() == [
        #"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"Method not found"}}"#,
        #"{"jsonrpc":"2.0","id":"x","error":{"code":-32601,"message":"Method not found"}}"#,
      ])
    #expect(script.receive(#"{"method":"_vendor/note"}"#) == ["note unknown _vendor/note"])
    #expect(script.written() == [])
  }

  @Test func updatesArePassedOnInOrderAndUntouched() {
    var script = Script.open()
    let line =
      #"{"method":"session/update", "params":{"sessionId":"s","update":{"sessionUpdate":"new kind"},"_meta":1}}"#
    guard case .deliver(let notification)? = script.machine.receive(.complete(ByteBuffer(string: line))).first else {
      Issue.record("not delivered")
      return
    }
    #expect(notification.text.description == line)
    #expect(notification.kind == "new kind")
    #expect(script.receive(update("t", 1)) == ["note other session"])
    #expect(script.receive(#"{"method":"session/update","params":{"sessionId":"s"}}"#) == ["note ignored"])
  }

  // MARK: - Sessions

  @Test func updatesBeforeTheirSessionAreKept() {
    var script = Script()
    script.call(.newSession(workingDirectory: "/w"), "new")
    #expect(script.receive(update("s", 1)) == [])
    #expect(script.receive(update("other", 9)) == [])
    #expect(script.receive(update("s", 2)) == [])
    #expect(
      script.receive(#"{"id":0,"result":{"sessionId":"s"}}"#)
        == [#"new <- {"sessionId":"s"}"#, "deliver 1", "deliver 2", "note dropped"])
    #expect(script.receive(update("s", 3)) == ["deliver 3"])
  }

  @Test func whatIsKeptBeforeASessionIsBounded() {
    var script = Script { $0.earlyUpdates = 2 }
    script.call(.newSession(workingDirectory: "/w"), "new")
    #expect(script.receive(update("s", 1)) == [])
    #expect(script.receive(update("s", 2)) == [])
    #expect(script.receive(update("s", 3)) == ["note dropped"])
    var small = Script { $0.earlyUpdateBytes = update("s", 1).utf8.count }
    small.call(.newSession(workingDirectory: "/w"), "new")
    #expect(small.receive(update("s", 1)) == [])
    #expect(small.receive(update("s", 2)) == ["note dropped"])
  }

  @Test func aSessionThatCannotBeOpenedLeavesNothingBehind() {
    var script = Script()
    script.call(.newSession(workingDirectory: "/w"), "new")
    #expect(script.receive(update("s", 1)) == [])
    #expect(
      script.receive(#"{"id":0,"error":{"code":-32000,"message":"sign in"}}"#)
        == ["new failed authenticationRequired", "note dropped"])
    script.call(.newSession(workingDirectory: "/w"), "new")
    #expect(script.receive(#"{"id":1,"result":{}}"#) == ["new failed incompatible"])
  }

  @Test func theReplayOfALoadedSessionIsNotLive() {
    var script = Script()
    script.call(.loadSession("s", workingDirectory: "/w"), "load")
    #expect(script.receive(update("s", 1)) == [])
    #expect(script.receive(#"{"id":0,"result":null}"#) == ["load <- null"])
    #expect(script.receive(update("s", 2)) == ["deliver 2"])
    script.call(.resumeSession("r", workingDirectory: "/w"), "resume")
    #expect(script.receive(update("r", 3)) == ["deliver 3"])
  }

  // MARK: - Permissions and cancelling

  @Test func aQuestionIsAnsweredOnceWithItsOwnId() {
    var script = Script.open()
    #expect(script.receive(permission) == ["ask 0 rm"])
    #expect(script.machine.isOpen(permission: 0))
    #expect(script.words(script.machine.answerPermission(key: 0, .selected(optionID: "y"))) == [])
    #expect(!script.machine.isOpen(permission: 0))
    #expect(script.words(script.machine.answerPermission(key: 0, .cancelled)) == [])
    #expect(
      script.written() == [#"{"jsonrpc":"2.0","id":0,"result":{"outcome":{"outcome":"selected","optionId":"y"}}}"#])
  }

  @Test func cancellingAnswersEveryQuestionOfTheSession() {
    var script = Script.open()
    script.call(.prompt(sessionID: "s", text: "x"), "turn")
    _ = script.written()
    _ = script.receive(permission)
    _ = script.receive(permission.replacing("\"sessionId\":\"s\"", with: "\"sessionId\":\"t\""))
    _ = script.receive(permission)
    #expect(script.words(script.machine.cancel(sessionID: "s")) == ["withdraw 0", "withdraw 2"])
    let cancelled = #"{"jsonrpc":"2.0","id":0,"result":{"outcome":{"outcome":"cancelled"}}}"#
    #expect(
      script.written()
        == [#"{"jsonrpc":"2.0","method":"session/cancel","params":{"sessionId":"s"}}"#, cancelled, cancelled])
    // The turn goes on until the agent ends it.
    #expect(script.receive(update("s", 5)) == ["deliver 5"])
    #expect(
      script.receive(#"{"id":1,"result":{"stopReason":"cancelled"}}"#) == [#"turn <- {"stopReason":"cancelled"}"#])
  }

  @Test func aTurnThatWasCancelledIsAskedForNothingMore() {
    var script = Script.open()
    script.call(.prompt(sessionID: "s", text: "x"), "turn")
    _ = script.machine.cancel(sessionID: "s")
    _ = script.written()
    #expect(script.receive(permission) == [])
    #expect(script.written() == [#"{"jsonrpc":"2.0","id":0,"result":{"outcome":{"outcome":"cancelled"}}}"#])
    // Another session's turn goes on, and so does the next one of this session.
    #expect(script.receive(permission.replacing("\"sessionId\":\"s\"", with: "\"sessionId\":\"t\"")) == ["ask 1 rm"])
    _ = script.receive(#"{"id":1,"result":{"stopReason":"cancelled"}}"#)
    #expect(script.receive(permission) == ["ask 2 rm"])
  }

  @Test func anErrorAfterCancellingIsACancelledTurn() {
    var script = Script.open()
    script.call(.prompt(sessionID: "s", text: "x"), "turn")
    _ = script.machine.cancel(sessionID: "s")
    #expect(
      script.receive(#"{"id":1,"error":{"code":-32603,"message":"aborted"}}"#)
        == [#"turn <- {"stopReason":"cancelled"}"#])
    script.call(.prompt(sessionID: "s", text: "x"), "next")
    #expect(script.receive(#"{"id":2,"error":{"code":-32603,"message":"real"}}"#) == ["next failed refused"])
  }

  @Test func theAgentMayTakeItsQuestionBack() {
    var script = Script.open()
    _ = script.receive(permission)
    #expect(script.receive(#"{"method":"$/cancel_request","params":{"requestId":4}}"#) == [])
    #expect(script.receive(#"{"method":"$/cancel_request","params":{"requestId":0}}"#) == ["withdraw 0"])
    #expect(script.written() == [#"{"jsonrpc":"2.0","id":0,"result":{"outcome":{"outcome":"cancelled"}}}"#])
  }

  @Test func questionsAreCheckedAndBounded() {
    var script = Script { $0.openPermissions = 1 }
    #expect(script.receive(#"{"id":5,"method":"session/request_permission","params":{"sessionId":"s"}}"#) == [])
    #expect(script.receive(permission) == ["ask 0 rm"])
    #expect(script.receive(permission) == [])
    #expect(
      script.written() == [
        #"{"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"Invalid params"}}"#,
        #"{"jsonrpc":"2.0","id":0,"error":{"code":-32603,"message":"Too many permission requests are open"}}"#,
      ])
  }

  @Test func theDefaultAnswersAreTheFirstOfTheirKind() throws {
    let options =
      #"[{"optionId":"1","name":"A","kind":"allow_always"},{"optionId":"2","name":"B","kind":"allow_once"},"#
      + #"{"optionId":"3","name":"C","kind":"allow_once"},{"optionId":"4","name":"D","kind":"reject_once"}]"#
    let params = try JSONText(validating: #"{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":\#(options)}"#)
    let request = try #require(AgentPermissionRequest(key: 1, params: params))
    #expect(request.title == "c")
    #expect(request.allowance == .selected(optionID: "2"))
    #expect(request.refusal == .selected(optionID: "4"))
    let none = try JSONText(validating: #"{"sessionId":"s","toolCall":{},"options":[]}"#)
    #expect(AgentPermissionRequest(key: 1, params: none)?.refusal == .cancelled)
  }

  // MARK: - Ends

  @Test func aGivenUpRequestIgnoresItsAnswer() {
    var script = Script()
    let (id, _) = script.machine.request(.newSession(workingDirectory: "/w"), waiter: "new")
    #expect(script.words(script.machine.abandon(id, because: AgentError(.abandoned, ""))) == ["new failed abandoned"])
    #expect(script.words(script.machine.abandon(id, because: AgentError(.abandoned, ""))) == [])
    #expect(script.receive(#"{"id":0,"result":{"sessionId":"s"}}"#) == ["note unexpected"])
  }

  @Test func theEndEndsEverything() {
    var script = Script.open()
    script.call(.prompt(sessionID: "s", text: "x"), "turn")
    _ = script.receive(permission)
    let error = AgentError(.exited, "gone")
    #expect(script.words(script.machine.close(error)) == ["withdraw 0", "turn failed exited"])
    #expect(script.words(script.machine.close(error)) == [])
    #expect(script.call(.prompt(sessionID: "s", text: "x"), "late") == ["late failed exited"])
    #expect(script.words(script.machine.cancel(sessionID: "s")) == [])
    #expect(script.receive(update("s", 1)) == [])
    #expect(script.written() == [])
  }

  @Test func anAgentThatDoesNotReadIsNoticed() {
    var script = Script { $0.outgoingBytes = 500 }
    for number in 0..<10 { _ = script.receive("{\"id\":\(number),\"method\":\"x\"}") }
    #expect(script.machine.isOverloaded)
    _ = script.written()
    #expect(!script.machine.isOverloaded)
  }

  /// Whoever follows an agent hears what a session was opened with before its first update, however it was opened.
  @Test func aSessionIsToldOfBeforeItsUpdates() {
    var script = Script()
    func opened(_ actions: [AgentConnectionStateMachine<String>.Action]) -> [AgentSession?] {
      actions.compactMap { action in
        switch action {
        case .opened(let session): .some(session)
        case .deliver: .some(nil)
        default: nil
        }
      }
    }
    let early =
      #"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s1","update":{"sessionUpdate":"plan","entries":[]}}}"#
    script.call(.newSession(workingDirectory: "/w"), "new")
    _ = script.machine.receive(.complete(ByteBuffer(string: early)))
    let answer =
      #"{"jsonrpc":"2.0","id":0,"result":{"sessionId":"s1","modes":{"currentModeId":"a","availableModes":[]},"configOptions":[1]}}"#
    let first = opened(script.machine.receive(.complete(ByteBuffer(string: answer))))
    #expect(first.count == 2)
    #expect(first[0]?.id == "s1")
    #expect(first[0]?.modes?["currentModeId"]?.string == "a")
    #expect(first[0]?.options?.description == "[1]")
    #expect(first[0]?.isContinued == false)
    script.call(.resumeSession("s1", workingDirectory: "/w"), "resumed")
    let second = opened(
      script.machine.receive(.complete(ByteBuffer(string: #"{"jsonrpc":"2.0","id":1,"result":{"modes":null}}"#))))
    #expect(second.first??.isContinued == true)
    #expect(second.first??.modes == nil)
    script.call(.set(.mode("code"), sessionID: "s1"), "mode")
    script.call(.set(.option("o", value: JSONText(bool: true)), sessionID: "s1"), "option")
    #expect(
      script.written().suffix(2) == [
        #"{"jsonrpc":"2.0","id":2,"method":"session/set_mode","params":{"sessionId":"s1","modeId":"code"}}"#,
        #"{"jsonrpc":"2.0","id":3,"method":"session/set_config_option","params":{"sessionId":"s1","configId":"o","type":"boolean","value":true}}"#,
      ])
  }
}
