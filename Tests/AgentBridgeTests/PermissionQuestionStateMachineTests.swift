import AgentClientProtocol
import JSONText
import Testing

@testable import AgentBridge

/// A question as a script: what happens, then what is to be done.
struct PermissionQuestionStateMachineTests {
  private typealias Machine = PermissionQuestionStateMachine
  private let lost = NodeError.unreachable("gone")
  private let late = NodeError.refused(status: 409, code: "APPROVAL_ALREADY_RESOLVED", message: "late")

  private func open() -> Machine {
    var machine = Machine()
    #expect(machine.next() == .ask(.whole))
    machine.asked(.success("p"))
    #expect(machine.next() == .look("p"))
    machine.looked(.success(PermissionNotice(approvalID: "p", status: "pending")))
    #expect(machine.next() == .wait)
    return machine
  }

  private func answered(_ option: String, by name: String? = "Eve", id: String = "p") -> PermissionNotice {
    PermissionNotice(approvalID: id, status: "approved", optionID: option, resolver: name)
  }

  @Test func itEndsOnceAndStaysEnded() {
    var machine = open()
    machine.noticed(answered("x", id: "another"))
    #expect(machine.next() == .wait)
    machine.noticed(answered("yes"))
    machine.noticed(answered("no"))
    machine.withdraw()
    machine.chosen("no")
    machine.stop()
    #expect(machine.next() == .end(.answered(optionID: "yes", resolver: "Eve")))
  }

  @Test(arguments: ["approved", "rejected", "withdrawn"]) func whatIsToldEndsAQuestion(_ status: String) throws {
    var machine = Machine(size: .least, hasOptions: false)
    #expect(machine.next() == .ask(.least))
    machine.asked(.success("p"))
    let answer = try JSONText(validating: #"{"name":"x"}"#)
    machine.noticed(PermissionNotice(approvalID: "p", status: status, answer: status == "approved" ? answer : nil))
    let end: Machine.End =
      switch status {
      case "approved": .told(answer)
      case "rejected": .declined
      default: .withdrawn(isSessionOver: false)
      }
    #expect(machine.next() == .end(end))
  }

  @Test func aQuestionIsAskedWholeOrNotAtAll() {
    var machine = Machine(size: .least, hasOptions: false)
    let refusal = NodeError.refused(status: 400, code: "INVALID_FIELD", message: "no")
    machine.asked(.failure(refusal))
    #expect(machine.next() == .end(.refused(refusal)))
  }

  @Test func itIsAskedUntilItIsTaken() {
    var machine = Machine()
    for _ in 0..<3 {
      #expect(machine.next() == .ask(.whole))
      machine.asked(.failure(lost))
    }
    machine.asked(.success("p"))
    machine.noticed(answered("yes"))
    #expect(machine.next() == .end(.answered(optionID: "yes", resolver: "Eve")))
  }

  @Test func whatWasNeverAskedIsSimplyDropped() {
    var machine = Machine()
    machine.withdraw()
    #expect(machine.next() == .end(.withdrawn(isSessionOver: false)))
  }

  @Test func whatMayHaveBeenAskedIsFoundAndWithdrawn() {
    var machine = Machine()
    machine.asked(.failure(lost))
    machine.withdraw()
    #expect(machine.next() == .ask(.whole))
    machine.asked(.success("p"))
    #expect(machine.next() == .withdraw("p"))
    machine.withdrew(.failure(lost))
    #expect(machine.next() == .withdraw("p"))
    machine.withdrew(.failure(late))
    #expect(machine.next() == .end(.withdrawn(isSessionOver: false)))
  }

  @Test(arguments: [(413, "BODY_TOO_LARGE"), (400, "INVALID_FIELD"), (400, "INVALID_BODY")])
  func whatIsTooLargeIsAskedWithLess(_ status: Int, _ code: String) {
    let error = NodeError.refused(status: status, code: code, message: "too large")
    var machine = Machine()
    for size in [PermissionBody.Size.whole, .trimmed, .least] {
      #expect(machine.next() == .ask(size))
      machine.asked(.failure(error))
    }
    #expect(machine.next() == .end(.refused(error)))
  }

  @Test func theHostsChoiceCountsWhenTheNodeTakesIt() {
    var machine = open()
    machine.chosen("no")
    machine.chosen("yes")
    #expect(machine.next() == .answer("p", optionID: "no"))
    #expect(machine.answered(.failure(lost)) == nil)
    #expect(machine.next() == .answer("p", optionID: "no"))
    #expect(machine.answered(.success(())) == nil)
    #expect(machine.next() == .end(.answered(optionID: "no", resolver: nil)))
  }

  @Test func theHostsChoiceWaitsForTheQuestionToBeTaken() {
    var machine = Machine()
    machine.chosen("no")
    #expect(machine.next() == .ask(.whole))
    machine.asked(.success("p"))
    #expect(machine.next() == .answer("p", optionID: "no"))
  }

  @Test func whoeverWasFasterIsLookedUp() {
    var machine = open()
    machine.chosen("no")
    #expect(machine.answered(.failure(late)) == nil)
    #expect(machine.next() == .look("p"))
    machine.looked(.success(answered("yes")))
    #expect(machine.next() == .end(.answered(optionID: "yes", resolver: "Eve")))
  }

  @Test func aChoiceThatIsRefusedIsSaidAndForgotten() {
    let refusal = NodeError.refused(status: 403, code: "HOST_REQUIRED", message: "no")
    var machine = open()
    machine.chosen("no")
    #expect(machine.answered(.failure(refusal)) == refusal)
    #expect(machine.next() == .look("p"))
    machine.looked(.failure(lost))
    #expect(machine.next() == .look("p"))
  }

  @Test func itEndsWithItsTurnOrItsSession() {
    for (reason, isSessionOver) in [("turn_ended", false), ("session_closed", true), ("session_expired", true)] {
      var machine = open()
      machine.noticed(PermissionNotice(approvalID: "p", status: "withdrawn", reason: reason))
      #expect(machine.next() == .end(.withdrawn(isSessionOver: isSessionOver)))
    }
    let gone = NodeError.refused(status: 404, code: "APPROVAL_NOT_FOUND", message: "gone")
    var machine = open()
    machine.lookAgain()
    machine.looked(.failure(gone))
    #expect(machine.next() == .end(.refused(gone)))
  }

  @Test func theLeastFormHasOnlyNamesAndSaysSo() throws {
    let long = String(repeating: "é", count: 5_000)
    let params = try JSONText(
      validating:
        #"{"sessionId":"s","toolCall":{"toolCallId":"c","title":"\#(long)","content":[1]},"options":[{"optionId":"a","name":"\#(long)","kind":"","x":1}]}"#
    )
    let request = try #require(AgentPermissionRequest(key: 1, params: params))
    let body = PermissionBody.body(request, dispatchID: "d", .least)
    #expect(body["toolCall"]?["title"]?.string?.count == 301)
    #expect(body["toolCall"]?["content"] == nil)
    #expect(
      ToolCallCut.cuts(of: try #require(body["toolCall"]))
        == [ToolCallCut(field: "title", bytes: 9_397), ToolCallCut(field: "content", bytes: 3)])
    let option = body["options"]?.elements.first
    #expect(option?.members.map(\.0) == ["optionId", "name", "kind"])
    #expect(option?["kind"]?.string == "other")
    #expect(PermissionBody.firstSize(request) == .whole)
  }

  /// What people read of a command that is too long is its beginning, and how much of it is missing.
  @Test func theTrimmedFormHasTheBeginningsOfItsTextsAndSaysWhatIsMissing() throws {
    let long = String(repeating: "é", count: 3_000)
    let many = "[" + (0..<6).map { _ in "\"\(long)\"" }.joined(separator: ",") + "]"
    let params = try JSONText(
      validating:
        #"{"sessionId":"s","toolCall":{"toolCallId":"c","title":"t","rawInput":{"command":["sh","\#(long)"],"n":1},"content":\#(many),"_meta":{"x":1,"tandem":{"cut":[{"field":"locations","bytes":5}]}}},"options":[]}"#
    )
    let request = try #require(AgentPermissionRequest(key: 1, params: params))
    let toolCall = try #require(PermissionBody.body(request, dispatchID: "d", .trimmed)["toolCall"])
    let beginning = String(repeating: "é", count: 1_024)
    #expect(
      "\(try #require(toolCall["rawInput"]))"
        == #"{"command":["sh","\#(beginning)… (3952 bytes are cut)"],"n":1}"#)
    #expect(toolCall["content"] == nil && toolCall["title"]?.string == "t")
    #expect(
      ToolCallCut.cuts(of: toolCall) == [
        ToolCallCut(field: "locations", bytes: 5), ToolCallCut(field: "rawInput", bytes: 3_952 - 24),
        ToolCallCut(field: "content", bytes: many.utf8.count),
      ])
    // Nothing is marked where nothing is cut.
    let small = try #require(
      AgentPermissionRequest(
        key: 1, params: try JSONText(validating: #"{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[]}"#)))
    #expect(PermissionBody.body(small, dispatchID: "d", .trimmed)["toolCall"] == small.toolCall)
  }

  @Test func aTextIsCutBetweenCharacters() {
    #expect("aé漢😀".beginning(bytes: 100) == "aé漢😀")
    for (bytes, beginning) in [(0, ""), (1, "a"), (2, "a"), (3, "aé"), (5, "aé"), (6, "aé漢"), (9, "aé漢"), (10, "aé漢😀")]
    {
      #expect("aé漢😀".beginning(bytes: bytes) == beginning)
    }
  }
}
