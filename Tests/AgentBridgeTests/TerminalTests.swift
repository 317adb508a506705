import AgentClientProtocol
import Dispatch
import JSONText
import Synchronization
import Testing

@testable import AgentBridge

/// What a host sees and types.
struct TerminalTests {
  private func event(_ type: String, _ payload: String) throws -> JSONText {
    try JSONText(validating: #"{"type":"\#(type)","payload":{\#(payload)}}"#)
  }

  private func chunk(_ text: String, _ kind: String = "agent_message_chunk") throws -> JSONText {
    try event(
      "host_session_update",
      #""notification":{"params":{"update":{"sessionUpdate":"\#(kind)","content":{"type":"text","text":"\#(text)"}}}}"#)
  }

  private let eve = #""participant":{"displayName":"Eve","userId":"e"}"#

  @Test func aPromptIsShownExactlyAndSettledUnderItsNumber() throws {
    var view = ConversationView()
    let pending = #""approval":{"id":"x","prompt":"rm \u202e-rf\nb"}"#
    #expect(
      view.show(try event("prompt_pending_approval", "\(pending),\(eve)"))
        == "[p1] Eve proposes: rm <U+202E>-rf\n      | b\n    a p1 approves, r p1 rejects\n")
    #expect(
      view.show(try event("prompt_approved", "\(pending),\(eve)")) == "> [p1] approved: rm <U+202E>-rf\n      | b\n")
    #expect(view.questions.typed("a p1") == .say("  p1 was approved. Your line did nothing.\n"))
    _ = view.show(try event("prompt_pending_approval", #""approval":{"id":"y","prompt":"p"},\#(eve)"#))
    #expect(view.show(try event("prompt_rejected", #""approval":{"id":"y"},\#(eve)"#)) == "* [p2] rejected by Eve\n")
    #expect(view.show(try event("prompt_withdrawn", #""approval":{"id":"y"}"#)) == "* withdrawn\n")
  }

  @Test func theAgentsTextFlowsAndOthersStartALine() throws {
    var view = ConversationView()
    #expect(view.show(try chunk("Hel")) == "Hel")
    #expect(view.show(try chunk("lo\\u001b")) == "lo<U+001B>")
    #expect(view.show(try chunk("hm", "agent_thought_chunk")) == "\n(thinks) hm")
    #expect(
      view.show(try event("message_created", #""message":{"kind":"comment","text":"hi"},\#(eve)"#)) == "\nEve: hi\n")
    #expect(view.show(try event("prompt_dispatch_completed", #""stopReason":"end_turn""#)) == "* the turn is over\n")
    #expect(view.show(try event("something_new", "")) == nil)
    #expect(view.show(.null) == nil)
  }

  @Test func aForgedNameCannotLookLikeOurLines() throws {
    var view = ConversationView()
    let payload = #""participant":{"userId":"x\n* Host joined"}"#
    #expect(view.show(try event("participant_joined", payload)) == "* x<U+000A>* Host joined joined\n")
  }

  private func question(_ key: Int = 1) throws -> AgentPermissionRequest {
    let options =
      #"[{"optionId":"y","name":"Yes","kind":"allow_once"},{"optionId":"n","name":"No","kind":"reject_once"}]"#
    let line =
      #"{"id":\#(key),"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"title":"rm -rf"},"options":\#(options)}}"#
    let params = try #require(try JSONText(validating: line)["params"])
    return try #require(AgentPermissionRequest(key: key, params: params))
  }

  @Test(.timeLimit(.minutes(1))) func aQuestionIsAnsweredByNumber() async throws {
    let (shown, show) = AsyncStream<String>.makeStream()
    let terminal = TerminalObserver(canAsk: true) { show.yield($0) }
    let request = try question()
    async let answer = terminal.asksPermission(request)
    var iterator = shown.makeAsyncIterator()
    #expect(
      await iterator.next()?.contains(
        "? [q1] The agent asks: rm -rf\n    1  Yes  (allow_once)\n    2  No  (reject_once)\n") == true)
    await terminal.typed("q1 7")
    #expect(await iterator.next()?.contains("no answer 7") == true)
    await terminal.typed("1")
    #expect(await iterator.next()?.contains("Say what you decide on") == true)
    await terminal.typed("q1 2")
    #expect(await answer == .selected(optionID: "n"))
    #expect(await iterator.next() == "  q1: No\n")
    await terminal.typed("q1 1")
    #expect(await iterator.next() == "  q1 is answered, by you. Your line did nothing.\n")
  }

  @Test(.timeLimit(.minutes(1))) func aQuestionThatIsTakenBackIsNotAnsweredForTheNext() async throws {
    let (shown, show) = AsyncStream<String>.makeStream()
    let terminal = TerminalObserver(canAsk: true) { show.yield($0) }
    let (first, second) = (try question(1), try question(2))
    var iterator = shown.makeAsyncIterator()
    let withdrawn = Task { await terminal.asksPermission(first) }
    _ = await iterator.next()
    async let answer = terminal.asksPermission(second)
    #expect(await iterator.next()?.contains("? [q2] The agent asks") == true)
    withdrawn.cancel()
    #expect(await withdrawn.value == .cancelled)
    #expect(await iterator.next() == "* [q1] the agent no longer asks\n")
    await terminal.typed("q1 1")
    #expect(await iterator.next() == "  q1 is no longer asked. Your line did nothing.\n")
    await terminal.typed("q2 1")
    #expect(await answer == .selected(optionID: "y"))
  }

  @Test(.timeLimit(.minutes(1))) func aQuestionAnsweredElsewhereIsTakenBackAndSaysByWhom() async throws {
    let (shown, show) = AsyncStream<String>.makeStream()
    let terminal = TerminalObserver(canAsk: true) { show.yield($0) }
    let (first, second) = (try question(1), try question(2))
    var iterator = shown.makeAsyncIterator()
    async let answer = terminal.asksPermission(first)
    _ = await iterator.next()
    await terminal.permissionSettled(first, .answered(option: "Yes\u{1B}", by: "Eve"))
    #expect(await answer == .cancelled)
    #expect(await iterator.next() == "* [q1] Eve has answered the agent (rm -rf): Yes<U+001B>\n")
    // The host was slower: the question is gone already.
    await terminal.permissionSettled(second, .answered(option: "No", by: "Eve"))
    #expect(await iterator.next() == "* Eve has answered the agent (rm -rf): No\n")
    await terminal.permissionSettled(second, .answered(option: "No", by: nil))
    await terminal.permissionSettled(second, .refused("The server\nrefused"))
    #expect(await iterator.next() == "! your answer does not count: The server<U+000A>refused\n")
    // What is asked as a question is not told a second time as an event.
    await terminal.event(try event("permission_resolved", #""approval":{"prompt":"x"},\#(eve)"#))
    await terminal.typed("q1 1")
    #expect(await iterator.next() == "  q1 is answered, by somebody else. Your line did nothing.\n")
  }

  @Test func withoutATerminalQuestionsAreShownAsEvents() throws {
    var view = ConversationView()
    let approval =
      #""approval":{"id":"x","prompt":"rm\n-rf","optionId":"n","toolCall":{"rawInput":{"command":"rm\u001b"},"_meta":{"tandem":{"cut":[{"field":"content","bytes":7}]}}},"options":[{"optionId":"y","name":"Yes","kind":"allow_once"},{"optionId":"n","name":"No"}]}"#
    #expect(
      view.show(try event("permission_requested", "\(approval),\(eve)"))
        == """
        ? The agent asks: rm<U+000A>-rf
            | command: rm<U+001B>
            ! content is not complete: 7 bytes are missing here
            1  Yes  (allow_once)
            2  No  (of no kind)
            Answer it in the session.

        """)
    #expect(view.show(try event("permission_resolved", "\(approval),\(eve)")) == "* Eve has answered the agent: No\n")
    #expect(view.show(try event("permission_withdrawn", approval)) == "* the agent no longer asks\n")
  }

  @Test func nobodyIsAskedWithoutATerminal() async throws {
    let terminal = TerminalObserver(canAsk: false) { _ in }
    #expect(await terminal.asksPermission(try question()) == nil)
    #expect(await JSONLinesObserver { _ in }.asksPermission(try question()) == nil)
  }

  @Test func whatIsMissingIsSaid() async throws {
    var view = ConversationView()
    _ = view.show(try chunk("half a"))
    #expect(view.skippedEvent() == "\n! something is missing here; your own link shows what waits for you\n")
    let lines = Mutex<[String]>([])
    await JSONLinesObserver { line in lines.withLock { $0.append("\(line)") } }.eventSkipped()
    #expect(lines.withLock { $0 } == [#"{"type":"event_skipped"}"#])
  }

  /// Standard output whose reader has stopped: the event waits, but only until the program wants to end.
  @Test(.timeLimit(.minutes(1))) func aReaderThatHasStoppedDoesNotKeepTheProgram() async throws {
    let reader = DispatchSemaphore(value: 0)
    let lines = Mutex<[String]>([])
    let observer = JSONLinesObserver { line in
      reader.wait()
      lines.withLock { $0.append("\(line)") }
    }
    let event = try JSONText(validating: "1")
    let blocked = Task { await observer.event(event) }
    blocked.cancel()
    await blocked.value
    #expect(lines.withLock { $0 }.isEmpty)
    reader.signal()
    reader.signal()
    await observer.event(try JSONText(validating: "2"))
    #expect(lines.withLock { $0 }.contains("2"))
  }

  @Test func theFirstLineOfJSON() async throws {
    let lines = Mutex<[String]>([])
    let observer = JSONLinesObserver { line in lines.withLock { $0.append("\(line)") } }
    await observer.event(try JSONText(validating: "{\n\"type\" : \"x\" }"))
    let session = SharedSession(
      server: "http://h:1", id: "s", inviteToken: "i", hostSessionID: "hs", hostParticipantID: "p", hostAccessToken: "t"
    )
    #expect(lines.withLock { $0 } == [#"{"type":"x"}"#])
    #expect(
      "\(session.firstLine)"
        == #"{"type":"shared","server":"http://h:1","sharedSessionId":"s","inviteToken":"i","hostSessionId":"hs","hostParticipantId":"p","hostAccessToken":"t","inviteURL":"http://h:1/s/s#invite=i"}"#
    )
    #expect(session.hostURL == "http://h:1/s/s#host=p.t")
  }
}
