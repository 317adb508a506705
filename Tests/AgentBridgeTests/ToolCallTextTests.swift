import AgentClientProtocol
import JSONText
import Testing

@testable import AgentBridge

/// What whoever answers a question of the agent reads in a terminal.
struct ToolCallTextTests {
  private func show(_ toolCall: String, rows: Int? = 200, options: String = "[]") throws -> ToolCallText {
    let options = try JSONText(validating: options).elements.compactMap { AgentPermissionRequest.Option($0) }
    return ToolCallText(try JSONText(validating: toolCall), options: options, rows: rows)
  }

  @Test func theExactCommandAndTheKindOfEachAnswerAreShown() throws {
    let options =
      #"[{"optionId":"a","name":"Reject\u001b[8m","kind":"allow_always"},{"optionId":"b","name":"No"}]"#
    let call = try show(
      #"{"toolCallId":"c","title":"Run","kind":"execute","status":"pending","rawInput":{"command":"rm -rf /\nls\u202e","args":["\u0072m",{"x":"\u200b"}],"n":1.50},"locations":[{"path":"/a\u0007b","line":3},{"x":1}],"_meta":{"y":1}}"#,
      options: options)
    #expect(
      call.text == """
            | kind: execute
            | command:
            |   rm -rf /
            |   ls<U+202E>
            | args: ["rm",{"x":"<U+200B>"}]
            | n: 1.50
            | at: /a<U+0007>b:3
            | at: {"x":1}
            1  Reject<U+001B>[8m  (allow_always)
            2  No  (of no kind)

        """)
    #expect(!call.isCut)
  }

  @Test func aDifferenceIsShownLineByLine() throws {
    let old = (1...9).map { "line \($0)" }.joined(separator: "\\n")
    let new = old.replacing("line 5", with: "line five\\r")
    let call = try show(
      #"{"content":[{"type":"diff","path":"/f","oldText":"\#(old)","newText":"\#(new)"},{"type":"diff","path":"/new","newText":"a"},{"type":"content","content":{"type":"text","text":"why"}},{"type":"terminal","terminalId":"t"}]}"#
    )
    #expect(
      call.text == """
            | changes /f
            | = 1 more lines are the same
            |   line 2
            |   line 3
            |   line 4
            | - line 5
            | + line five<U+000D>
            |   line 6
            |   line 7
            |   line 8
            | = 1 more lines are the same
            | changes /new
            | + a
            | says: why
            | content: {"type":"terminal","terminalId":"t"}

        """)
  }

  @Test(
    arguments: [
      ("a\nb", "a\nb", ["= nothing is different"]), ("", "", ["= nothing is different"]),
      ("a", "a\n", ["  a", "+ "]), ("x\nx", "x\nx\nx", ["  x", "  x", "+ x"]), ("a\nb", "", ["- a", "- b", "+ "]),
      // Two ways to write one character are two texts.
      ("\u{E9}", "e\u{301}", ["- \u{E9}", "+ e\u{301}"]), ("a\r\nb", "a\nb", ["- a<U+000D>", "+ a", "  b"]),
    ] as [(String, String, [String])])
  func everyDifferenceIsOne(_ old: String, _ new: String, _ lines: [String]) {
    let shown = TextDifference.lines(from: old, to: new)
    #expect(shown.map { Array($0.unicodeScalars) } == lines.map { Array($0.unicodeScalars) })
  }

  @Test func whatIsNotShownIsCounted() throws {
    let lines = (1...30).map { "line \($0)" }.joined(separator: "\\n")
    let call = try show(#"{"rawInput":{"command":"\#(lines)"}}"#, rows: 10)
    #expect(call.isCut)
    #expect(call.text.contains("|   line 9\n    ! not shown: 189 bytes in 21 lines\n"))
    let all = try show(#"{"rawInput":{"command":"\#(lines)"}}"#, rows: nil)
    #expect(!all.isCut && all.text.hasSuffix("|   line 30\n"))
  }

  @Test func oneEndlessLineIsCutAsWell() throws {
    let endless = String(repeating: "é", count: 5_000)
    let call = try show(#"{"rawInput":{"command":"\#(endless)"}}"#, rows: 3)
    #expect(call.isCut)
    #expect(call.text.contains("! not shown: \(10_009 - 359) bytes in 1 lines"))
  }

  @Test func whatWasCutOnItsWayHereIsSaid() throws {
    let call = try show(
      #"{"title":"t","_meta":{"tandem":{"cut":[{"field":"rawInput\u202e","bytes":12345}]}}}"#, rows: nil)
    #expect(call.isCut)
    #expect(call.text == "    ! rawInput<U+202E> is not complete: 12345 bytes are missing here\n")
  }

  @Test func aLongTitleAndLongAnswersAreCutAndCanBeReadInFull() throws {
    let long = String(repeating: "t", count: 500)
    let options =
      "[" + (0..<70).map { #"{"optionId":"\#($0)","name":"\#(long)","kind":"k"}"# }.joined(separator: ",") + "]"
    let call = try show(#"{"title":"\#(long)"}"#, options: options)
    #expect(ToolCallText.headline(long) == String(repeating: "t", count: 400) + "...")
    #expect(call.isCut && call.text.contains("| title: \(long)\n"))
    #expect(call.text.contains("! not shown: 100 bytes of this answer"))
    #expect(call.text.hasSuffix("! not shown: 6 more answers\n"))
    let all = try show(#"{"title":"\#(long)"}"#, rows: nil, options: options)
    #expect(!all.isCut && all.text.contains("    70  \(long)  (k)\n"))
  }

  /// Whatever an agent writes stands behind a bar: it can't add an answer to the list.
  @Test func noWordOfTheAgentLooksLikeAnAnswer() throws {
    let call = try show(#"{"rawInput":{"1  Reject it  (reject_once)\n    2  x":"a\n    1  Reject"},"2  Allow":"x"}"#)
    #expect(call.text.split(separator: "\n").allSatisfy { $0.hasPrefix("    | ") })
  }
}
