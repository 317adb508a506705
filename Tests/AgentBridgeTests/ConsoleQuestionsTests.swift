import AgentClientProtocol
import JSONText
import Testing

@testable import AgentBridge

/// An answer at the terminal takes what was read, or nothing.
struct ConsoleQuestionsTests {
  private func request(_ key: Int, _ toolCall: String = #"{"toolCallId":"c","title":"rm"}"#) throws
    -> AgentPermissionRequest
  {
    let options =
      #"[{"optionId":"y","name":"Yes","kind":"allow_once"},{"optionId":"n","name":"No","kind":"reject_once"}]"#
    let params = try JSONText(validating: #"{"sessionId":"s","toolCall":\#(toolCall),"options":\#(options)}"#)
    return try #require(AgentPermissionRequest(key: key, params: params))
  }

  private func said(_ action: ConsoleQuestions.Action?) -> String {
    if case .say(let text) = action { text } else { "" }
  }

  @Test(
    arguments: [
      ("a p3", .resolve(approve: true, .init(letter: "p", number: 3))),
      (" A  3 ", .resolve(approve: true, .init(letter: nil, number: 3))),
      ("approve P2\r", .resolve(approve: true, .init(letter: "p", number: 2))),
      ("reject q4", .resolve(approve: false, .init(letter: "q", number: 4))),
      ("q4 2", .answer(.init(letter: "q", number: 4), option: 2, anyway: false)),
      ("Q4 2 anyway", .answer(.init(letter: "q", number: 4), option: 2, anyway: true)),
      ("q4", .show(.init(letter: "q", number: 4), all: false)),
      ("p1 all", .show(.init(letter: "p", number: 1), all: true)),
      ("q4 Name=A b=c ", .fill(.init(letter: "q", number: 4), field: "Name", value: "A b=c ")),
      (" Q4  2=\r", .fill(.init(letter: "q", number: 4), field: "2", value: "")), ("q4 =x", .other), ("p4 a=b", .other),
      ("?", .list), ("list", .list), ("", .blank), (" \t", .blank), ("a", .unnamed), ("r", .unnamed), ("2", .unnamed),
      ("a x", .other), ("a 1 2", .other), ("2 3", .other), ("abc", .other), ("q4 x", .other), ("q4 2 x", .other),
      ("q4 2 anyway x", .other), ("q", .other), ("q-1", .other), ("q4 -1", .other), ("p3a", .other),
      ("a p3 now", .other),
      ("q99999999999999999999 1", .other), ("q٣ 1", .other),
    ] as [(String, HostCommandLine)])
  func whatIsTyped(_ line: String, _ expected: HostCommandLine) {
    #expect(HostCommandLine(line) == expected)
  }

  /// The guest takes a proposal back and puts another one in its place, in the moment before Enter.
  @Test func aProposalThatWasSwappedIsNotApproved() {
    var questions = ConsoleQuestions()
    _ = questions.proposed("ls", approvalID: "a", by: "Eve")
    questions.ended(approvalID: "a", "was withdrawn by its author")
    #expect(questions.proposed("rm -rf /", approvalID: "b", by: "Eve").hasPrefix("[p2] Eve proposes: rm -rf /"))
    for line in ["a p1", "a 1", "r p1"] {
      #expect(said(questions.typed(line)) == "  p1 was withdrawn by its author. Your line did nothing.\n")
    }
  }

  @Test(arguments: ["a", "r", "1", "2", "approve"]) func nothingIsDecidedWithoutItsNumber(_ line: String) throws {
    var questions = ConsoleQuestions()
    _ = questions.proposed("ls", approvalID: "a", by: "Eve")
    #expect(said(questions.typed(line)).contains("Say what you decide on, by its number."))
    _ = questions.asked(try request(1))
    #expect(said(questions.typed(line)).contains("  p1  Eve proposes: ls\n  q2  the agent asks: rm\n"))
  }

  /// The agent takes its question back and asks another one, in the moment before Enter.
  @Test func aQuestionThatWasSwappedIsNotAnswered() throws {
    var questions = ConsoleQuestions()
    _ = questions.asked(try request(1))
    questions.ended(key: 1, "is no longer asked")
    #expect(questions.asked(try request(2)).hasPrefix("? [q2] The agent asks: rm\n"))
    #expect(said(questions.typed("q1 1")) == "  q1 is no longer asked. Your line did nothing.\n")
    #expect(questions.typed("q2 2") == .choose(key: 2, optionID: "n", say: "  q2: No\n"))
    #expect(said(questions.typed("q2 1")) == "  q2 is answered, by you. Your line did nothing.\n")
  }

  @Test func anApprovalCarriesTheDigestOfWhatWasShown() throws {
    var questions = ConsoleQuestions()
    _ = questions.proposed("abc", approvalID: "a", by: "Eve")
    let name = ConsoleQuestions.Name(letter: "p", number: 1)
    // The digest of "abc" as the standard gives it.
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(questions.typed("a p1") == .resolve(name, approvalID: "a", promptHash: hash, approve: true))
    #expect(said(questions.typed("r p1")).contains("decided on p1 already"))
    questions.failed(name)
    #expect(questions.typed("r 1") == .resolve(name, approvalID: "a", promptHash: hash, approve: false))
  }

  @Test func numbersAreNeverGivenAgain() throws {
    var questions = ConsoleQuestions()
    for number in 1...50 {
      #expect(questions.proposed("x", approvalID: "\(number)", by: "Eve").hasPrefix("[p\(number)]"))
      if number.isMultiple(of: 2) { questions.ended(approvalID: "\(number)", "has expired") }
    }
    #expect(questions.asked(try request(1)).hasPrefix("? [q51]"))
    #expect(said(questions.typed("p51")).contains("Nothing of that number"))
    #expect(said(questions.typed("a p52")).contains("Nothing of that number"))
  }

  @Test func eachKindIsAnsweredInItsOwnWay() throws {
    var questions = ConsoleQuestions()
    _ = questions.asked(try request(1))
    _ = questions.proposed("ls", approvalID: "a", by: "Eve")
    #expect(said(questions.typed("a 1")).contains("q1 is a question of the agent"))
    #expect(said(questions.typed("a q1")).contains("q1 is a question of the agent"))
    #expect(said(questions.typed("p2 1")).contains("p2 is a proposal"))
    #expect(said(questions.typed("q1 0")).contains("q1 has no answer 0"))
    #expect(said(questions.typed("q1 3")).contains("q1 has no answer 3"))
    #expect(said(questions.typed("q1 1 please")).contains("nothing was done"))
    #expect(questions.typed("") == nil)
  }

  @Test func aQuestionThatIsCutTakesMoreThanAShortcut() throws {
    let call = #"{"toolCallId":"c","title":"Run","_meta":{"tandem":{"cut":[{"field":"rawInput","bytes":9}]}}}"#
    var questions = ConsoleQuestions()
    #expect(questions.asked(try request(1, call)).contains("! rawInput is not complete: 9 bytes are missing here"))
    for line in ["q1 1", "q1 2"] {
      #expect(said(questions.typed(line)).contains("not seen all of q1"))
      // Nothing more of it is here, so looking at all of it changes nothing.
      #expect(said(questions.typed("q1 all")).contains("anyway behind the number insists"))
    }
    #expect(questions.typed("q1 1 anyway") == .choose(key: 1, optionID: "y", say: "  q1: Yes\n"))
  }

  @Test func whoHasSeenAllOfItMayAnswerIt() throws {
    let lines = (1...300).map { "line \($0)" }.joined(separator: "\\n")
    var questions = ConsoleQuestions()
    let shown = questions.asked(try request(1, #"{"rawInput":{"command":"\#(lines)"}}"#))
    #expect(shown.contains("! not shown: ") && !shown.contains("line 300\n"))
    #expect(said(questions.typed("q1 1")).contains("q1 all shows what there is"))
    let all = said(questions.typed("q1 all"))
    #expect(all.contains("|   line 300\n") && !all.contains("not seen all"))
    #expect(said(questions.typed("q1")).contains("! not shown: "))
    #expect(questions.typed("q1 1") == .choose(key: 1, optionID: "y", say: "  q1: Yes\n"))
  }

  @Test func whatIsKeptIsBounded() throws {
    var limits = ConsoleQuestions.Limits()
    (limits.open, limits.textBytes, limits.ended) = (3, 10, 2)
    var questions = ConsoleQuestions(limits: limits)
    _ = questions.asked(try request(7))
    for name in ["a", "b", "c", "d"] { _ = questions.proposed("123456", approvalID: name, by: "Eve") }
    // The agent's question stays: nobody else may be there to answer it.
    #expect(
      said(questions.typed("?")) == """
          q1  the agent asks: rm
          p4  Eve proposes: ...
          p5  Eve proposes: 123456

        """)
    #expect(said(questions.typed("a p3")).contains("p3 is no longer kept here; decide on it on your own link"))
    #expect(said(questions.typed("p4")).contains("no longer kept here; see your own link"))
    for name in ["c", "d"] { questions.ended(approvalID: name, "has expired") }
    #expect(said(questions.typed("a p3")).contains("Nothing of that number"))
    #expect(said(questions.typed("a p4")).contains("p4 has expired"))
  }
}
