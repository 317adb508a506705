import NIOCore
import RedisWire
import TestSupport
import Testing

@testable import RedisClient

/// Callers are strings here; time is a number of seconds.
@Suite("The pipeline of one connection")
struct CommandPipelineStateMachineTests {
  typealias Machine = CommandPipelineStateMachine<String>

  private func machine(count: Int = 100, bytes: Int = 1000) -> Machine {
    Machine(maximumCount: count, maximumBytes: bytes, grace: .seconds(5))
  }

  private func at(_ seconds: Int) -> NIODeadline { .uptimeNanoseconds(UInt64(seconds) * 1_000_000_000) }

  /// What an action means, as text to compare.
  private func describe(_ action: Machine.ReplyAction) -> String {
    switch action {
    case .deliver(let ticket, let value): "\(ticket) gets \(value.integer.map(String.init) ?? value.kindDescription)"
    case .none: "nothing"
    case .release(let held, let confirmation):
      "\(held.map(\.ticket).joined(separator: ",")) confirmed by \(confirmation.integer ?? -1)"
    case .unsolicited: "unsolicited"
    }
  }

  @Test("replies go to their callers in order, one flush for all commands of a turn")
  func order() {
    var machine = machine()
    #expect(machine.add("a", bytes: 10, needsBarrier: false, deadline: at(5)) == true)
    #expect(machine.add("b", bytes: 20, needsBarrier: false, deadline: at(5)) == false)
    #expect(machine.prepareFlush(barrierDeadline: at(5)) == false)
    machine.flushed()
    #expect(machine.add("c", bytes: 30, needsBarrier: false, deadline: at(5)) == true)
    #expect(machine.bytesInFlight == 60)
    #expect(describe(machine.receive(.integer(1))) == "a gets 1")
    #expect(describe(machine.receive(.integer(2))) == "b gets 2")
    #expect(machine.bytesInFlight == 30)
    // "c" is not written yet: Redis cannot have answered it.
    #expect(describe(machine.receive(.integer(3))) == "unsolicited")
  }

  @Test("a reply nobody asked for is found")
  func unsolicited() {
    var machine = machine()
    #expect(describe(machine.receive(.status("OK"))) == "unsolicited")
  }

  @Test("count and bytes are bounded, and room comes back with replies")
  func bounds() {
    var machine = machine(count: 2, bytes: 100)
    #expect(!machine.isFull(adding: 100))
    #expect(machine.isFull(adding: 101))
    _ = machine.add("a", bytes: 60, needsBarrier: false, deadline: at(5))
    #expect(machine.isFull(adding: 41))
    #expect(!machine.isFull(adding: 40))
    _ = machine.add("b", bytes: 10, needsBarrier: false, deadline: at(5))
    #expect(machine.isFull(adding: 1))
    machine.flushed()
    _ = machine.receive(.null)
    #expect(!machine.isFull(adding: 90))
    #expect(machine.count == 1)
  }

  @Test("when the connection ends, what was written may have run and the rest has not")
  func close() {
    var machine = machine()
    _ = machine.add("answered", bytes: 1, needsBarrier: false, deadline: at(5))
    _ = machine.add("written", bytes: 1, needsBarrier: false, deadline: at(5))
    machine.flushed()
    _ = machine.receive(.null)
    _ = machine.add("waiting", bytes: 1, needsBarrier: false, deadline: at(5))
    let lost = machine.close()
    #expect(lost.map(\.ticket) == ["written", "waiting"])
    #expect(lost.map(\.mayHaveRun) == [true, false])
    #expect(machine.close().isEmpty)
    #expect(describe(machine.receive(.null)) == "nothing")
    #expect(machine.checkDeadlines(now: at(100)).expired.isEmpty)
  }

  @Test("a caller times out alone; its late reply is dropped and the others keep theirs")
  func timeouts() {
    var machine = machine()
    _ = machine.add("a", bytes: 1, needsBarrier: false, deadline: at(5))
    _ = machine.add("b", bytes: 1, needsBarrier: false, deadline: at(7))
    machine.flushed()
    var action = machine.checkDeadlines(now: at(4))
    #expect(action.expired.isEmpty && !action.isStuck && action.next == at(5))
    action = machine.checkDeadlines(now: at(5))
    #expect(action.expired.map(\.ticket) == ["a"] && action.expired.map(\.mayHaveRun) == [true])
    #expect(!action.isStuck && action.next == at(7))
    // Asking again does not expire it twice.
    #expect(machine.checkDeadlines(now: at(6)).expired.isEmpty)
    #expect(describe(machine.receive(.integer(1))) == "nothing")
    #expect(describe(machine.receive(.integer(2))) == "b gets 2")
    #expect(machine.checkDeadlines(now: at(7)).next == nil)
  }

  @Test("a command that times out before it was written may run yet: it is still going to be written")
  func timeoutBeforeWrite() {
    var machine = machine()
    _ = machine.add("a", bytes: 1, needsBarrier: false, deadline: at(5))
    #expect(machine.checkDeadlines(now: at(5)).expired.map(\.mayHaveRun) == [true])
  }

  @Test("a reply that stays away for the grace period closes the connection, one that comes late does not")
  func stuck() {
    var machine = machine()
    _ = machine.add("a", bytes: 1, needsBarrier: false, deadline: at(5))
    _ = machine.add("b", bytes: 1, needsBarrier: false, deadline: at(9))
    machine.flushed()
    #expect(machine.checkDeadlines(now: at(9)).next == at(10))
    var other = machine
    #expect(machine.checkDeadlines(now: at(10)).isStuck)
    _ = other.receive(.null)
    let action = other.checkDeadlines(now: at(10))
    #expect(!action.isStuck && action.next == at(14))
  }

  @Test("durable writes wait for one barrier behind them; reads and errors do not")
  func barrier() {
    var machine = machine()
    _ = machine.add("write1", bytes: 1, needsBarrier: true, deadline: at(5))
    _ = machine.add("read", bytes: 1, needsBarrier: false, deadline: at(5))
    _ = machine.add("refused", bytes: 1, needsBarrier: true, deadline: at(5))
    _ = machine.add("write2", bytes: 1, needsBarrier: true, deadline: at(5))
    #expect(machine.prepareFlush(barrierDeadline: at(5)) == true)
    machine.flushed()
    #expect(machine.prepareFlush(barrierDeadline: at(5)) == false, "one barrier for one batch")
    #expect(describe(machine.receive(.integer(1))) == "nothing")
    #expect(describe(machine.receive(.integer(2))) == "read gets 2")
    #expect(describe(machine.receive(.error("ERR x"))) == "refused gets an error")
    #expect(describe(machine.receive(.integer(3))) == "nothing")
    #expect(describe(machine.receive(.integer(2))) == "write1,write2 confirmed by 2")
    #expect(machine.count == 0)
  }

  @Test("writes whose barrier does not come back may have run: at a timeout and at the end")
  func lostBarrier() {
    var machine = machine()
    _ = machine.add("a", bytes: 1, needsBarrier: true, deadline: at(5))
    _ = machine.prepareFlush(barrierDeadline: at(5))
    machine.flushed()
    _ = machine.add("b", bytes: 1, needsBarrier: true, deadline: at(6))
    _ = machine.prepareFlush(barrierDeadline: at(6))
    machine.flushed()
    _ = machine.receive(.integer(1))
    #expect(machine.checkDeadlines(now: at(5)).expired.map(\.ticket) == ["a"])
    #expect(describe(machine.receive(.integer(1))) == " confirmed by 1", "the caller is gone, the barrier is not")
    _ = machine.receive(.integer(2))
    let lost = machine.close()
    #expect(lost.map(\.ticket) == ["b"] && lost.map(\.mayHaveRun) == [true])
  }

  @Test("over any order of events every caller hears exactly once", arguments: 1...50)
  func everybodyHearsOnce(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var machine = machine(count: 50, bytes: 500)
    var heard: [String: Int] = [:]
    var asked = 0
    var unanswered = 0
    var now = 0
    func hear(_ tickets: [String]) { for ticket in tickets { heard[ticket, default: 0] += 1 } }
    for _ in 0..<500 {
      switch Int.random(in: 0...9, using: &random) {
      case 0...4 where !machine.isFull(adding: 10):
        _ = machine.add("\(asked)", bytes: 10, needsBarrier: Bool.random(using: &random), deadline: at(now + 5))
        asked += 1
      case 5:
        _ = machine.prepareFlush(barrierDeadline: at(now + 5))
        machine.flushed()
        unanswered = machine.count
      case 6...8 where unanswered > 0:
        unanswered -= 1
        switch machine.receive(Bool.random(using: &random) ? .integer(1) : .error("ERR")) {
        case .deliver(let ticket, _): hear([ticket])
        case .release(let held, _): hear(held.map(\.ticket))
        case .none: break
        case .unsolicited: Issue.record("out of step")
        }
      default:
        now += 1
        hear(machine.checkDeadlines(now: at(now)).expired.map(\.ticket))
      }
    }
    hear(machine.close().map(\.ticket))
    #expect(heard.count == asked)
    #expect(heard.values.allSatisfy { $0 == 1 })
  }
}
