import NIOCore
import Testing

@testable import SharedSessions

/// An attachment's decisions, event by event.
@Suite struct DispatchAttachmentStateMachineTests {
  typealias Machine = DispatchAttachment.StateMachine

  private let first = DeliveredDispatch(id: "d1", attempt: 1)
  private let payload = ByteBuffer(string: "{}")

  private func attached(isUnclaimed: Bool = false) -> Machine {
    var machine = Machine(fence: 3, isUnclaimed: isUnclaimed)
    #expect(machine.handle(.attached) == [.send(.attached(fence: 3)), .look(nil, afterPause: false)])
    return machine
  }

  /// One that has looked and found nothing.
  private func idle(isUnclaimed: Bool = false) -> Machine {
    var machine = attached(isUnclaimed: isUnclaimed)
    #expect(machine.handle(.looked(.idle(cancelling: nil))) == [])
    return machine
  }

  private func delivery(_ dispatch: DeliveredDispatch, isCancelled: Bool = false) -> Machine.Event {
    .looked(.deliver(dispatch, payload: payload, isCancelled: isCancelled))
  }

  @Test func whatComesDuringALookIsFollowedByExactlyOneMore() {
    var machine = attached()
    for _ in 0..<3 { #expect(machine.handle(.lookWanted) == []) }
    #expect(machine.handle(.resubscribed) == [])
    #expect(machine.handle(.looked(.idle(cancelling: nil))) == [.look(nil, afterPause: false)])
    #expect(machine.handle(.looked(.idle(cancelling: nil))) == [])
  }

  @Test func theNextLookKnowsWhatWasDelivered() {
    var machine = attached()
    #expect(machine.handle(delivery(first)) == [.send(.dispatch(payload))])
    #expect(machine.handle(.lookWanted) == [.look(first, afterPause: false)])
    let second = DeliveredDispatch(id: "d1", attempt: 3)
    #expect(machine.handle(delivery(second)) == [.send(.dispatch(payload))])
    #expect(machine.handle(.lookWanted) == [.look(second, afterPause: false)])
  }

  @Test func aLookThatFailedIsTriedAgainWithoutASignal() {
    var machine = attached()
    #expect(machine.handle(.lookFailed) == [.look(nil, afterPause: true)])
    #expect(machine.handle(.lookWanted) == [])
    #expect(machine.handle(.lookFailed) == [.look(nil, afterPause: true)])
    #expect(machine.handle(delivery(first)) == [.send(.dispatch(payload))])
  }

  @Test func aCancelNeverOvertakesTheDispatchItIsOf() {
    var machine = attached()
    #expect(machine.handle(.cancelAsked("d1")) == [])
    #expect(machine.handle(delivery(first)) == [.send(.dispatch(payload)), .send(.cancel("d1"))])
    // The look that said so too does not make it two.
    machine = attached()
    #expect(machine.handle(.cancelAsked("d1")) == [])
    #expect(machine.handle(delivery(first, isCancelled: true)) == [.send(.dispatch(payload)), .send(.cancel("d1"))])
  }

  @Test func aCancelOfWhatWasDeliveredWaitsForNoLook() {
    var machine = attached()
    _ = machine.handle(delivery(first))
    _ = machine.handle(.lookWanted)
    #expect(machine.handle(.cancelAsked("d1")) == [.send(.cancel("d1"))])
    #expect(machine.handle(.looked(.idle(cancelling: "d1"))) == [])
  }

  @Test func aCancelNoSignalToldOfIsFoundByTheNextLookAndPassedOnOnce() {
    var machine = attached()
    _ = machine.handle(delivery(first))
    #expect(machine.handle(.resubscribed) == [.look(first, afterPause: false)])
    #expect(machine.handle(.looked(.idle(cancelling: "d1"))) == [.send(.cancel("d1"))])
    _ = machine.handle(.lookWanted)
    #expect(machine.handle(.looked(.idle(cancelling: "d1"))) == [])
  }

  @Test func whatIsHandedOutAgainIsCancelledAgain() {
    var machine = attached()
    _ = machine.handle(delivery(first))
    #expect(machine.handle(.cancelAsked("d1")) == [.send(.cancel("d1"))])
    _ = machine.handle(.lookWanted)
    let again = DeliveredDispatch(id: "d1", attempt: 2)
    #expect(machine.handle(delivery(again)) == [.send(.dispatch(payload)), .send(.cancel("d1"))])
  }

  @Test func aHeldCancelIsPassedOnWhenTheLookFindsNothing() {
    var machine = attached()
    #expect(machine.handle(.cancelAsked("d0")) == [])
    #expect(machine.handle(.lookFailed) == [.look(nil, afterPause: true)])
    #expect(machine.handle(.looked(.idle(cancelling: nil))) == [.send(.cancel("d0"))])
  }

  @Test func workIsFoundByTheCountOfWakesThoughItsSignalWasLost() {
    var machine = idle()
    #expect(machine.handle(.renewed(wakes: "4")) == [.look(nil, afterPause: false)])
    _ = machine.handle(.looked(.idle(cancelling: nil)))
    #expect(machine.handle(.renewed(wakes: "4")) == [])
    #expect(machine.handle(.renewed(wakes: "5")) == [.look(nil, afterPause: false)])
  }

  @Test func afterARenewalThatFailedTheNextOneLooks() {
    var machine = idle()
    _ = machine.handle(.renewed(wakes: "4"))
    _ = machine.handle(.looked(.idle(cancelling: nil)))
    #expect(machine.handle(.renewalFailed) == [])
    #expect(machine.handle(.renewed(wakes: "4")) == [.look(nil, afterPause: false)])
    _ = machine.handle(.looked(.idle(cancelling: nil)))
    #expect(machine.handle(.renewed(wakes: "4")) == [])
  }

  @Test(arguments: [
    Machine.Event.gone, .renewalRefused, .messageDropped, .signalsDropped, .fenceSeen(4), .looked(.fenced),
    .looked(.gone),
  ])
  func theEndIsTheEnd(event: Machine.Event) {
    var machine = attached()
    #expect(machine.handle(event) == [.end])
    for later in [.lookWanted, .cancelAsked("d1"), .gone, delivery(first), .renewed(wakes: "9")] {
      #expect(machine.handle(later) == [])
    }
  }

  @Test(arguments: [1, 3])
  func itsOwnFenceAndOlderOnesEndNothing(fence: Int) {
    var machine = idle()
    #expect(machine.handle(.fenceSeen(fence)) == [])
    #expect(machine.handle(.lookWanted) == [.look(nil, afterPause: false)])
  }

  @Test func anUnclaimedTurnIsEndedOnceAndTriedAgainWithTheNextRenewal() {
    var machine = idle(isUnclaimed: true)
    #expect(machine.handle(.unclaimedTimeOver) == [.failIfUnclaimed])
    #expect(machine.handle(.unclaimedTimeOver) == [])
    #expect(machine.handle(.unclaimedEndFailed) == [])
    #expect(machine.handle(.renewed(wakes: "1")) == [.look(nil, afterPause: false), .failIfUnclaimed])
    #expect(machine.handle(.unclaimedEnded) == [])
    #expect(machine.handle(.renewed(wakes: "1")) == [])
    machine = idle()
    #expect(machine.handle(.unclaimedTimeOver) == [])
  }

  @Test func answersAreReadOneByOneAndNoneIsLost() {
    var machine = idle()
    let (a, b) = (reference("a"), reference("b"))
    let news = DispatchAttachment.RequestNews(kind: .question, payload: payload)
    #expect(machine.handle(.requestResolved(a)) == [.readRequest(a, afterPause: false)])
    #expect(machine.handle(.requestResolved(b)) == [])
    #expect(machine.handle(.requestResolved(b)) == [])
    #expect(machine.handle(.requestReadFailed) == [.readRequest(a, afterPause: true)])
    #expect(
      machine.handle(.requestRead(news)) == [.send(.request(news)), .readRequest(b, afterPause: false)])
    // It may have been read before it was resolved again.
    #expect(machine.handle(.requestResolved(b)) == [])
    #expect(machine.handle(.requestRead(nil)) == [.readRequest(b, afterPause: false)])
    #expect(machine.handle(.requestRead(nil)) == [])
  }

  @Test func anAnswerIsToldBehindTheDispatchThatWasSignalledBeforeIt() {
    let a = reference("a")
    var machine = attached()
    _ = machine.handle(.lookWanted)
    #expect(machine.handle(.requestResolved(a)) == [])
    #expect(machine.handle(.looked(.idle(cancelling: nil))) == [.look(nil, afterPause: false)])
    // However many signals follow, it waits for no more looks.
    #expect(machine.handle(.lookWanted) == [])
    #expect(
      machine.handle(delivery(first)) == [
        .send(.dispatch(payload)), .readRequest(a, afterPause: false), .look(first, afterPause: false),
      ])
    machine = attached()
    #expect(machine.handle(.requestResolved(a)) == [])
    #expect(machine.handle(.lookFailed) == [.look(nil, afterPause: true), .readRequest(a, afterPause: false)])
  }

  @Test func moreAnswersThanAreKeptEndTheAttachment() {
    var machine = idle()
    for n in 0..<Machine.requestsAtMost { _ = machine.handle(.requestResolved(reference("\(n)"))) }
    #expect(machine.handle(.requestResolved(reference("x"))) == [.end])
  }

  private func reference(_ id: String) -> DispatchAttachment.RequestReference {
    DispatchAttachment.RequestReference(session: "s", approval: id)
  }
}

/// Signals on their way to an attachment.
@Suite struct DispatchMailboxTests {
  @Test func aFloodOfSignalsLosesNothingElse() {
    let mailbox = DispatchMailbox()
    mailbox.put(message: ByteBuffer(string: "cancel d1"))
    for _ in 0..<100_000 { mailbox.put(message: ByteBuffer(string: "wake")) }
    mailbox.put(message: ByteBuffer(string: "permission s a"))
    mailbox.put(message: ByteBuffer(string: "fence 9"))
    mailbox.put(message: ByteBuffer(string: "gone"))
    #expect(
      mailbox.take() == [
        .cancelAsked("d1"), .lookWanted, .requestResolved(.init(session: "s", approval: "a")), .fenceSeen(9), .gone,
      ])
    #expect(mailbox.take() == [])
  }

  @Test func whenThereAreTooManyTheAttachmentEndsInsteadOfLosingOne() {
    let mailbox = DispatchMailbox(most: 4)
    for n in 0..<5 { mailbox.put(message: ByteBuffer(string: "cancel d\(n)")) }
    #expect(mailbox.take() == [.signalsDropped])
  }

  @Test(arguments: ["", "wake", "cancel", "fence x", "permission s", "nonsense 1 2 3"])
  func whatIsNotUnderstoodMakesItLook(message: String) {
    let mailbox = DispatchMailbox()
    mailbox.put(message: ByteBuffer(string: message))
    #expect(mailbox.take() == [.lookWanted])
  }
}
