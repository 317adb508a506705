import AgentClientProtocol
import JSONText
import Testing

@testable import AgentBridge

/// What the agent wants to know, filled in at the terminal.
struct QuestionFormTests {
  private static let fields = """
    {"name":{"type":"string","title":"Whom"},"tone":{"type":"string","enum":["friendly","formal"],"default":"formal"},
     "times":{"type":"integer"},"loud":{"type":"boolean"},
     "tags":{"type":"array","items":{"anyOf":[{"const":"a","title":"Alpha"},{"const":"b","title":"Beta"}]}}}
    """

  private func form(_ question: String? = nil) throws -> QuestionForm {
    let question = question ?? #"{"schema":{"properties":\#(Self.fields),"required":["name"]}}"#
    let approval = try JSONText(validating: #"{"id":"a","prompt":"Tell\u202e me","question":\#(question)}"#)
    return try #require(QuestionForm(approval))
  }

  @Test func whatIsTypedBecomesValuesOfTheFieldsTypes() throws {
    var form = try form()
    for (field, text) in [("1", "Ada, B"), ("tone", "1"), ("3", "2"), ("loud", "Yes"), ("tags", "b, 1")] {
      #expect(form.fill(field, text) == nil)
    }
    #expect(form.answer?.description == #"{"name":"Ada, B","tone":"friendly","times":2,"loud":true,"tags":["b","a"]}"#)
    #expect(form.fill("loud", "") == nil)
    #expect(form.answer?["loud"] == nil)
    for (field, text) in [("9", "x"), ("0", "x"), ("tone", "3"), ("times", "two"), ("loud", "maybe"), ("tags", "c")] {
      #expect(form.fill(field, text) != nil, "\(field)")
    }
  }

  @Test func theQuestionShowsItsFieldsAndWhatIsHidden() throws {
    let text = try form().text("q1")
    #expect(text.hasPrefix("? [q1] The agent asks: Tell<U+202E> me\n"))
    #expect(text.contains("    1 Whom (needed)\n    2 tone  = formal\n        1 friendly\n        2 formal\n"))
    #expect(text.hasSuffix("q1 1=... fills field 1 in, a q1 sends it, r q1 declines\n"))
    let page = try form(#"{"url":"https://example.com/x","host":"example.com"}"#)
    #expect(page.text("q1").contains("open a page on example.com:\n      https://example.com/x\n"))
    #expect(page.answer == nil)
  }

  @Test func anAnswerIsSentByItsNameOnce() throws {
    var questions = ConsoleQuestions()
    _ = questions.inquired(try form())
    let name = ConsoleQuestions.Name(letter: "q", number: 1)
    guard case .say(let filled) = questions.typed("q1 1=Ada") else { return #expect(Bool(false), "nothing is said") }
    #expect(filled.contains("1 Whom (needed)  = Ada"))
    let answer = try JSONText(validating: #"{"name":"Ada","tone":"formal"}"#)
    #expect(questions.typed("a q1") == .reply(name, approvalID: "a", approve: true, answer: answer))
    guard case .say(let late) = questions.typed("r q1") else { return #expect(Bool(false), "nothing is said") }
    #expect(late.contains("answered q1 already"))
    questions.failed(name)
    #expect(questions.typed("r q1") == .reply(name, approvalID: "a", approve: false, answer: nil))
    questions.ended(approvalID: "a", "is answered")
    guard case .say(let gone) = questions.typed("a q1") else { return #expect(Bool(false), "nothing is said") }
    #expect(gone == "  q1 is answered. Your line did nothing.\n")
  }
}
