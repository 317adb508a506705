import AgentClientProtocol
import Dispatch
import JSONText
import Synchronization
import Testing

@testable import AgentBridge

/// What a host sees and types.
struct TerminalTests {
  @Test(arguments: [
    ("plain text, ümläute 漢字 😀", "plain text, ümläute 漢字 😀"), ("a\nb\tc", "a\nb\tc"),
    ("a\u{202E}b\u{2066}c", "a<U+202E>b<U+2066>c"), ("a\u{200B}\u{FEFF}b", "a<U+200B><U+FEFF>b"),
    ("\u{1B}[2J\u{7}\r", "<U+001B>[2J<U+0007><U+000D>"), ("\u{0}\u{9F}", "<U+0000><U+009F>"),
    ("a\u{A0}b\u{2003}c\u{3000}", "a<U+00A0>b<U+2003>c<U+3000>"), ("\u{2028}\u{2029}", "<U+2028><U+2029>"),
    ("\u{E0041}", "<U+E0041>"), ("\u{3164}\u{2800}\u{AD}", "<U+3164><U+2800><U+00AD>"), ("\u{E000}", "<U+E000>"),
    ("e\u{301}", "e\u{301}"), ("👩\u{200D}💻 ❤\u{FE0F}", "👩\u{200D}💻 ❤\u{FE0F}"),
    ("a\u{200D}b\u{FE0F}", "a<U+200D>b<U+FE0F>"),
  ])
  func whatCannotBeSeenIsWrittenOut(_ text: String, _ shown: String) {
    #expect(Array(VisibleText.show(text).unicodeScalars) == Array(shown.unicodeScalars))
  }

  @Test func oneLineStaysOneLine() {
    #expect(VisibleText.show("a\nb\t", keepsLines: false) == "a<U+000A>b<U+0009>")
  }

  @Test(
    arguments: [
      ("a", .resolve(approve: true, number: nil)), (" A 3 ", .resolve(approve: true, number: 3)),
      ("approve 2", .resolve(approve: true, number: 2)), ("r", .resolve(approve: false, number: nil)),
      ("reject 4\r", .resolve(approve: false, number: 4)), ("2", .choose(2)), ("a x", .other), ("a 1 2", .other),
      ("2 3", .other), ("", .other), ("abc", .other),
    ] as [(String, HostCommandLine)])
  func whatIsTyped(_ line: String, _ expected: HostCommandLine) {
    #expect(HostCommandLine(line) == expected)
  }

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
        == "[1] Eve proposes: rm <U+202E>-rf\n      | b\n    a 1 approves, r 1 rejects\n")
    #expect(view.pending.map(\.approvalID) == ["x"])
    #expect(
      view.show(try event("prompt_approved", "\(pending),\(eve)")) == "> [1] approved: rm <U+202E>-rf\n      | b\n")
    #expect(view.pending.isEmpty)
    _ = view.show(try event("prompt_pending_approval", #""approval":{"id":"y","prompt":"p"},\#(eve)"#))
    #expect(view.show(try event("prompt_rejected", #""approval":{"id":"y"},\#(eve)"#)) == "* [2] rejected by Eve\n")
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
    #expect(await iterator.next()?.contains("? The agent asks: rm -rf\n    1  Yes\n    2  No\n") == true)
    await terminal.typed("7")
    #expect(await iterator.next()?.contains("no answer 7") == true)
    await terminal.typed("2")
    #expect(await answer == .selected(optionID: "n"))
    await terminal.typed("1")
    #expect(await iterator.next()?.contains("Nothing is asked") == true)
  }

  @Test(.timeLimit(.minutes(1))) func aQuestionThatIsTakenBackShowsTheNext() async throws {
    let (shown, show) = AsyncStream<String>.makeStream()
    let terminal = TerminalObserver(canAsk: true) { show.yield($0) }
    let (first, second) = (try question(1), try question(2))
    var iterator = shown.makeAsyncIterator()
    let withdrawn = Task { await terminal.asksPermission(first) }
    _ = await iterator.next()
    async let answer = terminal.asksPermission(second)
    // The second waits behind the first, so it is certain to be there once it is shown after the withdrawal.
    withdrawn.cancel()
    #expect(await withdrawn.value == .cancelled)
    var text = ""
    while !text.contains("? The agent asks") { text += await iterator.next() ?? "" }
    await terminal.typed("1")
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
    #expect(await iterator.next() == "* Eve has answered the agent (rm -rf): Yes<U+001B>\n")
    // The host was slower: the question is gone already.
    await terminal.permissionSettled(second, .answered(option: "No", by: "Eve"))
    #expect(await iterator.next() == "* Eve has answered the agent (rm -rf): No\n")
    await terminal.permissionSettled(second, .answered(option: "No", by: nil))
    await terminal.permissionSettled(second, .refused("The server\nrefused"))
    #expect(await iterator.next() == "! The server<U+000A>refused\n")
    // What is asked as a question is not told a second time as an event.
    await terminal.event(try event("permission_resolved", #""approval":{"prompt":"x"},\#(eve)"#))
    await terminal.typed("1")
    #expect(await iterator.next()?.contains("Nothing is asked") == true)
  }

  @Test func withoutATerminalQuestionsAreShownAsEvents() throws {
    var view = ConversationView()
    let approval =
      #""approval":{"id":"x","prompt":"rm\n-rf","optionId":"n","options":[{"optionId":"y","name":"Yes"},{"optionId":"n","name":"No"}]}"#
    #expect(
      view.show(try event("permission_requested", "\(approval),\(eve)"))
        == "? The agent asks: rm\n      | -rf\n    Answer it in the session.\n")
    #expect(view.show(try event("permission_resolved", "\(approval),\(eve)")) == "* Eve has answered the agent: No\n")
    #expect(view.show(try event("permission_withdrawn", approval)) == "* the agent no longer asks\n")
  }

  @Test func nobodyIsAskedWithoutATerminal() async throws {
    let terminal = TerminalObserver(canAsk: false) { _ in }
    #expect(await terminal.asksPermission(try question()) == nil)
    #expect(await JSONLinesObserver { _ in }.asksPermission(try question()) == nil)
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
