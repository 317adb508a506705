import JSONText
import Testing

@testable import AgentBridge

/// At most one at a time, at most once each: scripts of what is delivered and answered.
struct DispatchRunnerStateMachineTests {
  private func dispatch(_ id: String, attempt: Int64 = 1) -> Dispatch {
    Dispatch(id: id, approvalID: "a-\(id)", sharedSessionID: "s", prompt: "do \(id)", attempt: attempt)
  }

  /// A machine in the middle of the turn of `id`.
  private func running(_ id: String) -> DispatchRunnerStateMachine {
    var machine = DispatchRunnerStateMachine()
    _ = machine.delivered(dispatch(id))
    _ = machine.startedAnswered(dispatch(id), .accepted)
    return machine
  }

  @Test func onePromptFromDeliveryToEnd() {
    var machine = DispatchRunnerStateMachine()
    let one = dispatch("1")
    #expect(machine.isIdle)
    #expect(machine.delivered(one) == [.reportStarted(one)])
    #expect(machine.startedAnswered(one, .accepted) == [.prompt(one)])
    #expect(
      machine.ended(one, .completed(stopReason: "end_turn")) == [.reportEnd(one, .completed(stopReason: "end_turn"))])
    #expect(!machine.isIdle)
    #expect(machine.endAnswered(one, .accepted) == [])
    #expect(machine.isIdle)
  }

  @Test func thePromptsWaitForEachOther() {
    var machine = running("1")
    #expect(machine.delivered(dispatch("2")) == [])
    #expect(machine.delivered(dispatch("3")) == [])
    _ = machine.ended(dispatch("1"), .failed("x"))
    #expect(machine.endAnswered(dispatch("1"), .accepted) == [.reportStarted(dispatch("2"))])
    _ = machine.startedAnswered(dispatch("2"), .accepted)
    _ = machine.ended(dispatch("2"), .failed("x"))
    #expect(machine.endAnswered(dispatch("2"), .accepted) == [.reportStarted(dispatch("3"))])
  }

  /// The one rule that must never break: a refused `started` is never a prompt.
  @Test func aRefusedStartDoesNotRun() {
    for answer in [HostAPI.ReportAnswer.conflict, .refused("gone")] {
      var machine = DispatchRunnerStateMachine()
      _ = machine.delivered(dispatch("1"))
      _ = machine.delivered(dispatch("2"))
      let actions = machine.startedAnswered(dispatch("1"), answer)
      #expect(!actions.contains(.prompt(dispatch("1"))))
      #expect(actions.last == .reportStarted(dispatch("2")))
    }
  }

  @Test func whatHasRunIsNeverRunAgain() {
    var machine = running("1")
    let again = DispatchRunnerStateMachine.Action.note(.deliveredAgain(id: "1"))
    #expect(machine.delivered(dispatch("1", attempt: 2)) == [again, .reclaim(dispatch("1", attempt: 2))])
    #expect(machine.reclaimed(dispatch("1", attempt: 2), .conflict) == [])
    #expect(machine.running == dispatch("1"))
    #expect(machine.ended(dispatch("1"), .failed("x")) == [.reportEnd(dispatch("1"), .failed("x"))])
    #expect(machine.delivered(dispatch("1", attempt: 3)) == [again])
    _ = machine.endAnswered(dispatch("1"), .accepted)
    // The node is asked; it knows of the end and refuses.
    #expect(machine.startedAnswered(dispatch("1", attempt: 3), .conflict) == [.note(.notOurs(id: "1"))])
    #expect(machine.attached() == [])
    #expect(machine.isIdle)
  }

  @Test func aTurnWhoseStartWasLostIsClaimedAnewAndEndsUnderItsNewAttempt() {
    var machine = running("1")
    let second = dispatch("1", attempt: 2)
    _ = machine.delivered(second)
    #expect(machine.reclaimed(second, .accepted) == [])
    #expect(machine.running == second)
    let end = DispatchRunnerStateMachine.End.completed(stopReason: "end_turn")
    #expect(machine.ended(second, end) == [.reportEnd(second, end)])
  }

  @Test func theEndOfATurnThatWasLostIsToldAgain() {
    var machine = running("1")
    let end = DispatchRunnerStateMachine.End.completed(stopReason: "end_turn")
    _ = machine.ended(dispatch("1"), end)
    _ = machine.endAnswered(dispatch("1"), .accepted)
    let second = dispatch("1", attempt: 2)
    #expect(machine.delivered(second) == [.note(.deliveredAgain(id: "1")), .reportStarted(second)])
    #expect(machine.startedAnswered(second, .accepted) == [.reportEnd(second, end)])
    #expect(machine.endAnswered(second, .accepted) == [])
  }

  @Test func whatAnotherProcessHasBegunIsNotRunButToldToBeUnknown() {
    var machine = DispatchRunnerStateMachine(begun: ["1"])
    #expect(machine.delivered(dispatch("1")) == [.note(.deliveredAgain(id: "1")), .reportStarted(dispatch("1"))])
    #expect(machine.delivered(dispatch("2")) == [])
    let unknown = DispatchRunnerStateMachine.End.failed(DispatchRunnerStateMachine.ambiguous)
    #expect(machine.startedAnswered(dispatch("1"), .accepted) == [.reportEnd(dispatch("1"), unknown)])
    #expect(machine.endAnswered(dispatch("1"), .accepted) == [.reportStarted(dispatch("2"))])
    #expect(machine.startedAnswered(dispatch("2"), .accepted) == [.prompt(dispatch("2"))])
  }

  @Test func aNewAttemptReplacesAWaitingOne() {
    var machine = running("1")
    _ = machine.delivered(dispatch("2"))
    _ = machine.delivered(dispatch("2", attempt: 5))
    _ = machine.delivered(dispatch("2", attempt: 3))
    _ = machine.ended(dispatch("1"), .failed("x"))
    #expect(machine.endAnswered(dispatch("1"), .accepted) == [.reportStarted(dispatch("2", attempt: 5))])
  }

  @Test func aStaleStartIsReportedAgainUnderTheNewAttempt() {
    var machine = DispatchRunnerStateMachine()
    _ = machine.delivered(dispatch("1"))
    #expect(machine.delivered(dispatch("1", attempt: 2)) == [])
    #expect(machine.startedAnswered(dispatch("1"), .conflict) == [.reportStarted(dispatch("1", attempt: 2))])
    #expect(machine.startedAnswered(dispatch("1", attempt: 2), .accepted) == [.prompt(dispatch("1", attempt: 2))])
  }

  @Test func afterAConflictANewAttemptMayRun() {
    var machine = DispatchRunnerStateMachine()
    _ = machine.delivered(dispatch("1"))
    #expect(machine.startedAnswered(dispatch("1"), .conflict) == [.note(.notOurs(id: "1"))])
    #expect(machine.delivered(dispatch("1", attempt: 2)) == [.reportStarted(dispatch("1", attempt: 2))])
  }

  @Test func anewConnectionDeliversWhatWaits() {
    var machine = running("1")
    _ = machine.delivered(dispatch("2"))
    _ = machine.attached()
    _ = machine.ended(dispatch("1"), .failed("x"))
    #expect(machine.endAnswered(dispatch("1"), .accepted) == [])
    #expect(machine.delivered(dispatch("2", attempt: 2)) == [.reportStarted(dispatch("2", attempt: 2))])
  }

  @Test func cancelling() {
    var machine = running("1")
    #expect(machine.cancelled("2") == [])
    #expect(machine.cancelled("1") == [.cancelTurn])
    #expect(machine.cancelled("1") == [.cancelTurn])
    _ = machine.ended(dispatch("1"), .completed(stopReason: "cancelled"))
    #expect(machine.cancelled("1") == [])
  }

  @Test func cancellingBeforeTheTurnHasBegun() {
    var machine = DispatchRunnerStateMachine()
    _ = machine.delivered(dispatch("1"))
    #expect(machine.cancelled("1") == [])
    #expect(
      machine.startedAnswered(dispatch("1"), .accepted)
        == [.reportEnd(dispatch("1"), .completed(stopReason: "cancelled"))])
  }

  @Test func anEndThatIsRefusedIsNotRepeated() {
    var machine = running("1")
    _ = machine.ended(dispatch("1"), .failed("x"))
    #expect(machine.endAnswered(dispatch("1"), .conflict) == [.note(.notOurs(id: "1"))])
    #expect(machine.isIdle)
    var other = running("1")
    _ = other.ended(dispatch("1"), .failed("x"))
    #expect(other.endAnswered(dispatch("1"), .refused("why")) == [.note(.cannotReport(id: "1", "why"))])
  }

  @Test func lateAnswersOfOtherDispatchesChangeNothing() {
    var machine = running("1")
    #expect(machine.startedAnswered(dispatch("1"), .accepted) == [])
    #expect(machine.ended(dispatch("2"), .failed("x")) == [])
    #expect(machine.endAnswered(dispatch("1"), .accepted) == [])
    #expect(!machine.isIdle)
  }

  @Test func stoppingAtEveryPoint() {
    var idle = DispatchRunnerStateMachine()
    #expect(idle.stop() == [.stopped])
    #expect(idle.stop() == [])
    #expect(idle.delivered(dispatch("1")) == [])

    var starting = DispatchRunnerStateMachine()
    _ = starting.delivered(dispatch("1"))
    _ = starting.delivered(dispatch("2"))
    #expect(starting.stop() == [])
    #expect(
      starting.startedAnswered(dispatch("1"), .accepted)
        == [.reportEnd(dispatch("1"), .completed(stopReason: "cancelled"))])
    #expect(starting.endAnswered(dispatch("1"), .accepted) == [.stopped])

    var midTurn = running("1")
    _ = midTurn.delivered(dispatch("2"))
    #expect(midTurn.stop() == [.cancelTurn])
    _ = midTurn.ended(dispatch("1"), .completed(stopReason: "cancelled"))
    #expect(midTurn.endAnswered(dispatch("1"), .accepted) == [.stopped])
  }

  @Test func whatWaitsAndWhatIsRememberedIsBounded() {
    var machine = DispatchRunnerStateMachine(maximumWaiting: 1, maximumRemembered: 2)
    _ = machine.delivered(dispatch("1"))
    #expect(machine.delivered(dispatch("2")) == [])
    #expect(machine.delivered(dispatch("3")) == [.note(.queueFull(id: "3"))])
    _ = machine.attached()
    for id in ["1", "4", "5"] {
      _ = machine.delivered(dispatch(id))
      _ = machine.startedAnswered(dispatch(id), .accepted)
      _ = machine.ended(dispatch(id), .failed("x"))
      _ = machine.endAnswered(dispatch(id), .accepted)
    }
    #expect(machine.delivered(dispatch("4")).first == .note(.deliveredAgain(id: "4")))
    _ = machine.startedAnswered(dispatch("4"), .conflict)
    // The oldest is forgotten; the node would refuse its start.
    #expect(machine.delivered(dispatch("1")) == [.reportStarted(dispatch("1"))])
  }

  @Test func framesAreRead() throws {
    func read(_ text: String) throws -> DispatchMessage? { DispatchMessage(try JSONText(validating: text)) }
    #expect(try read(#"{"type":"attached","payload":{"fence":3}}"#) == .attached(fence: 3))
    #expect(
      try read(
        #"{"type":"dispatch","payload":{"dispatchId":"1","approvalId":"a-1","sharedSessionId":"s","prompt":"do 1","attempt":1}}"#
      ) == .dispatch(dispatch("1")))
    #expect(try read(#"{"type":"cancel","payload":{"dispatchId":"1"}}"#) == .cancel(dispatchID: "1"))
    #expect(try read(#"{"type":"later","payload":{}}"#) == .other)
    for wrong in [
      "{}", "[]", #"{"type":"attached","payload":{}}"#, #"{"type":"dispatch","payload":{"dispatchId":"1"}}"#,
      #"{"type":"cancel","payload":{}}"#,
      #"{"type":"dispatch","payload":{"dispatchId":"../x","approvalId":"a","sharedSessionId":"s","prompt":"p","attempt":1}}"#,
      #"{"type":"dispatch","payload":{"dispatchId":"1","approvalId":"a","sharedSessionId":"s","prompt":"p","attempt":"1"}}"#,
    ] {
      #expect(try read(wrong) == nil, "\(wrong)")
    }
  }
}
