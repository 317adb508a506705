import NIOCore
import TestSupport
import Testing

@testable import HTTPGateway

@Suite struct RequestGuardStateMachineTests {
  private typealias Machine = RequestGuardStateMachine

  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private var limits = RequestGuardStateMachine.Limits()

  private func machine() -> Machine { Machine(limits: limits, now: start) }

  private func head(http10: Bool = false, keepAlive: Bool = true, unbounded: Bool = false) -> Machine.RequestHead {
    Machine.RequestHead(uriBytes: 10, isHTTP10: http10, isKeepAlive: keepAlive, hasUnboundedBody: unbounded)
  }

  /// A request that has arrived whole.
  private func request(_ machine: inout Machine, _ head: Machine.RequestHead? = nil) {
    machine.bytesArrived(endsLine: true, now: start)
    #expect(machine.requestHead(head ?? self.head(), now: start) == .forward)
    #expect(machine.requestEnd(now: start) == .forward)
  }

  private func respond(_ machine: inout Machine, closes: Bool = false) -> Machine.ResponseEndAction {
    #expect(machine.responseHead(isEventStream: false, asksToClose: false).closes == closes)
    return machine.responseEnd(now: start)
  }

  @Test func aConnectionStaysOpenForTheNextRequest() {
    var machine = machine()
    for _ in 0..<3 {
      request(&machine)
      #expect(respond(&machine) == .none)
    }
    #expect(machine.deadline == start + limits.idleTimeout)
  }

  @Test func aClientThatDoesNotKeepTheConnectionGetsItClosed() {
    var machine = machine()
    request(&machine, head(http10: true, keepAlive: false))
    let changes = machine.responseHead(isEventStream: false, asksToClose: false)
    #expect(changes == .init(isHTTP10: true, closes: true))
    #expect(machine.responseEnd(now: start) == .closeOutput)
    #expect(machine.deadline == start + limits.lingerTimeout)
    #expect(machine.timeReached(start + limits.lingerTimeout) == .close)
  }

  @Test func aFailureWithNothingUnderWayIsAnsweredAtOnce() {
    var machine = machine()
    machine.bytesArrived(endsLine: true, now: start)
    #expect(machine.failed(.malformed, now: start) == .respond(.malformed))
    #expect(machine.failed(.malformed, now: start) == .wait)
    #expect(machine.requestHead(head(), now: start) == .drop)
  }

  @Test func aFailureWaitsForTheAnswersBeforeIt() {
    var machine = machine()
    request(&machine)
    request(&machine)
    machine.bytesArrived(endsLine: true, now: start)
    #expect(machine.failed(.malformed, now: start) == .wait)
    #expect(respond(&machine) == .none)
    #expect(respond(&machine) == .respond(.malformed))
  }

  @Test func aFailureInABodyIsForWhoeverReadsIt() {
    var machine = machine()
    #expect(machine.requestHead(head(), now: start) == .forward)
    #expect(machine.failed(.malformed, now: start) == .tellReader(.malformed))
    #expect(respond(&machine, closes: true) == .closeOutput)
  }

  @Test func headersBeyondTheirBoundAreAURIWhileTheLineHasNotEnded() {
    var uri = machine()
    uri.bytesArrived(endsLine: false, now: start)
    #expect(uri.failed(.headersTooLarge, now: start) == .respond(.uriTooLong))
    var headers = machine()
    headers.bytesArrived(endsLine: true, now: start)
    #expect(headers.failed(.headersTooLarge, now: start) == .respond(.headersTooLarge))
    var long = machine()
    let head = Machine.RequestHead(uriBytes: limits.uriBytes + 1)
    #expect(long.requestHead(head, now: start) == .fail(.respond(.uriTooLong)))
  }

  @Test func theHeadAndTheBodyHaveTheirTimes() {
    var slowHead = machine()
    slowHead.bytesArrived(endsLine: false, now: start)
    #expect(slowHead.deadline == start + limits.headTimeout)
    slowHead.bytesArrived(endsLine: false, now: start + .seconds(5))
    #expect(slowHead.deadline == start + limits.headTimeout, "more bytes buy no time")
    #expect(slowHead.timeReached(start + limits.headTimeout) == .fail(.respond(.headTimeout)))

    var slowBody = machine()
    _ = slowBody.requestHead(head(), now: start)
    #expect(slowBody.deadline == start + limits.bodyTimeout)
    #expect(slowBody.timeReached(start + limits.bodyTimeout) == .fail(.tellReader(.bodyTimeout)))

    var endless = machine()
    _ = endless.requestHead(head(unbounded: true), now: start)
    #expect(endless.deadline == nil)
  }

  @Test func aLineThatIsTrickledIsRefusedAndSilenceBetweenLinesIsNot() {
    var upload = machine()
    _ = upload.requestHead(head(unbounded: true), now: start)
    func arrive(_ end: LineClock.LineEnd, at time: NIODeadline) {
      #expect(upload.requestBody(bytes: 1) == .forward)
      upload.bodyArrived(end, now: time)
      upload.readAsked(now: time)
    }
    upload.readAsked(now: start)
    #expect(upload.deadline == nil, "nothing has begun")
    arrive(.none, at: start + .hours(1))
    let begun = start + .hours(1)
    #expect(upload.deadline == begun + limits.lineTimeout)
    arrive(.none, at: begun + .seconds(59))
    #expect(upload.deadline == begun + limits.lineTimeout, "more bytes buy no time")
    arrive(.atEnd, at: begun + .seconds(59))
    #expect(upload.deadline == nil)
    arrive(.inside, at: begun + .hours(5))
    #expect(upload.deadline == begun + .hours(5) + limits.lineTimeout, "another line has begun")
    #expect(upload.timeReached(begun + .hours(5) + limits.lineTimeout) == .fail(.tellReader(.lineTimeout)))
    #expect(upload.deadline == nil)
    #expect(respond(&upload, closes: true) == .closeOutput)
  }

  @Test func aPeerIsNotToBlameForWhatWaitsHere() {
    var upload = machine()
    _ = upload.requestHead(head(unbounded: true), now: start)
    upload.bodyArrived(.none, now: start)
    #expect(upload.deadline == nil, "nobody reads")
    upload.readAsked(now: start + .hours(1))
    upload.readAsked(now: start + .hours(1) + .seconds(5))
    upload.bodyArrived(.none, now: start + .hours(1) + .seconds(10))
    #expect(upload.deadline == nil)
    upload.readAsked(now: start + .hours(2))
    #expect(upload.deadline == start + .hours(2) + limits.lineTimeout - .seconds(10))
    _ = upload.requestEnd(now: start + .hours(2))
    upload.bytesArrived(endsLine: true, now: start + .hours(2))
    _ = upload.requestHead(head(unbounded: true), now: start + .hours(2))
    upload.readAsked(now: start + .hours(2))
    #expect(upload.deadline == nil, "the next request begins anew")
  }

  @Test func lineEndsAreFoundWhereTheyAre() {
    for (text, end) in [
      ("", LineClock.LineEnd.none), ("ab", .none), ("\n", .atEnd), ("a\nb\n", .atEnd), ("\nb", .inside),
    ] {
      #expect(LineClock.LineEnd(in: ByteBuffer(string: text).readableBytesView) == end, "\(text)")
    }
    var moved = ByteBuffer(string: "x\ny")
    moved.moveReaderIndex(forwardBy: 1)
    #expect(LineClock.LineEnd(in: moved.readableBytesView) == .inside)
  }

  @Test func aRequestHasOneHost() {
    for (hosts, http10, isTaken) in [
      (1, false, true), (0, false, false), (2, false, false), (0, true, true), (2, true, false),
    ] {
      var machine = machine()
      machine.bytesArrived(endsLine: true, now: start)
      let head = Machine.RequestHead(uriBytes: 10, isHTTP10: http10, hosts: hosts)
      #expect(machine.requestHead(head, now: start) == (isTaken ? .forward : .fail(.respond(.malformed))))
    }
  }

  @Test func anIdleConnectionIsClosedButOneThatIsBeingAnsweredIsNot() {
    var idle = machine()
    #expect(idle.timeReached(start + limits.idleTimeout) == .close)
    var busy = machine()
    request(&busy)
    #expect(busy.deadline == nil)
    #expect(busy.timeReached(start + limits.idleTimeout) == .none)
  }

  @Test func aResponseNobodyReadsIsGivenUpButAnEventStreamHasItsBudget() {
    var response = machine()
    request(&response)
    response.writabilityChanged(isWritable: false, now: start)
    #expect(response.timeReached(start + limits.writeTimeout) == .close)
    var stream = machine()
    request(&stream)
    _ = stream.responseHead(isEventStream: true, asksToClose: false)
    stream.writabilityChanged(isWritable: false, now: start)
    #expect(stream.deadline == nil)
  }

  @Test func aClosedHalfEndsAnEventStreamAndNothingElse() {
    var stream = machine()
    request(&stream)
    _ = stream.responseHead(isEventStream: true, asksToClose: false)
    let endsStream = stream.inputClosed()
    #expect(endsStream)

    var early = machine()
    request(&early)
    let endsRequest = early.inputClosed()
    #expect(!endsRequest)
    _ = early.responseHead(isEventStream: true, asksToClose: false)
    #expect(early.endsStreamAtOnce)
  }

  @Test func aBodyNobodyReadsAnyMoreIsTakenOffTheWireWithinBounds() {
    var machine = machine()
    _ = machine.requestHead(head(), now: start)
    #expect(machine.requestBody(bytes: limits.discardedBytes * 2) == .forward, "a reader has its own bound")
    #expect(respond(&machine) == .none)
    #expect(machine.requestBody(bytes: limits.discardedBytes) == .forward)
    #expect(machine.deadline == start + limits.bodyTimeout)
    #expect(machine.requestBody(bytes: 1) == .close)
  }

  @Test func aClosedConnectionWaitsForNothing() {
    var machine = machine()
    machine.closed()
    #expect(machine.deadline == nil)
  }

  /// Whatever happens, there is never a deadline in the past that time does not settle: that would be a busy loop.
  @Test(arguments: 0..<300)
  func timeSettlesEveryDeadline(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    var machine = machine()
    var now = start
    for _ in 0..<40 {
      now = now + .milliseconds(Int64.random(in: 0...20_000, using: &random))
      switch Int.random(in: 0..<12, using: &random) {
      case 0: machine.bytesArrived(endsLine: .random(using: &random), now: now)
      case 1: _ = machine.requestHead(head(unbounded: .random(using: &random)), now: now)
      case 2: _ = machine.requestBody(bytes: .random(in: 0...100_000, using: &random))
      case 3: _ = machine.requestEnd(now: now)
      case 4: _ = machine.failed(.malformed, now: now)
      case 5: _ = machine.responseHead(isEventStream: .random(using: &random), asksToClose: .random(using: &random))
      case 6: _ = machine.responseEnd(now: now)
      case 7: machine.writabilityChanged(isWritable: .random(using: &random), now: now)
      case 8: _ = machine.inputClosed()
      case 9: machine.bodyArrived([.none, .inside, .atEnd].randomElement(using: &random) ?? .none, now: now)
      case 10: machine.readAsked(now: now)
      default: _ = machine.outputClosed(now: now)
      }
      var rounds = 0
      while let deadline = machine.deadline, deadline <= now {
        if machine.timeReached(now) == .close { machine.closed() }
        rounds += 1
        guard rounds < 5 else {
          Issue.record("A deadline stays in the past")
          return
        }
      }
    }
  }
}
