import NIOCore
import Testing

@testable import RedisClient

/// Listeners are strings here; each test is a script of calls and the actions that must follow.
@Suite("Where channels of a cluster are subscribed")
struct ChannelRoutesStateMachineTests {
  typealias Machine = ChannelRoutesStateMachine<String>

  private func describe(_ actions: [Machine.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .attach(let channel, let endpoint, let attempt): "attach \(channel) at \(endpoint) as \(attempt)"
      case .detach(let channel, let attempt): "detach \(channel) \(attempt)"
      case .retry(let channel, let attempt, let pause):
        "retry \(channel) \(attempt) after \(pause.nanoseconds / 1_000_000)"
      case .look: "look"
      case .acknowledge(let listener): "\(listener) acknowledged"
      case .reject(let listener, let error): "\(listener) rejected: \(error.code)"
      case .notify(let listener, .message(let bytes)): "\(listener) hears \(String(buffer: bytes))"
      case .notify(let listener, .interrupted): "\(listener) interrupted"
      case .notify(let listener, .restored): "\(listener) restored"
      }
    }
  }

  private func table(_ owner: String) -> SlotTable {
    SlotTable(
      agreedBy: [ClusterAnswer(shares: [.init(slots: 0...16_383, primary: .host(owner, port: 1))], nodes: [])],
      needed: 1, former: nil)
  }

  /// "l" listens to "ch" at `a`, as attempt 1.
  private func subscribed() -> Machine {
    var machine = Machine(maximumChannels: 2)
    _ = machine.adopt(table("a"))
    _ = machine.add("l", id: 1, channel: "ch")
    _ = machine.attached("ch", attempt: 1)
    return machine
  }

  @Test("a channel is subscribed once, where its slot is, and given up with its last listener")
  func shares() {
    var machine = Machine(maximumChannels: 2)
    #expect(describe(machine.add("l", id: 1, channel: "ch")) == ["look"], "nothing is known yet")
    #expect(describe(machine.adopt(table("a"))) == ["attach ch at a:1 as 1"])
    #expect(describe(machine.add("m", id: 2, channel: "ch")) == [])
    #expect(describe(machine.attached("ch", attempt: 1)) == ["l acknowledged", "m acknowledged"])
    #expect(describe(machine.add("n", id: 3, channel: "ch")) == ["n acknowledged"])
    let event = RedisSubscriptionEvent.message(ByteBuffer(string: "x"))
    #expect(describe(machine.received(event, on: "ch", attempt: 1)) == ["l hears x", "m hears x", "n hears x"])
    #expect(describe(machine.remove(id: 2)) == [])
    #expect(describe(machine.remove(id: 1)) == [])
    #expect(describe(machine.remove(id: 3)) == ["detach ch 1"])
    #expect(describe(machine.received(event, on: "ch", attempt: 1)) == [])
  }

  @Test("a slot that moves takes its channels along, and listeners hear that messages may be missing")
  func moves() {
    var machine = subscribed()
    #expect(describe(machine.adopt(table("a"))) == [])
    #expect(describe(machine.adopt(table("b"))) == ["l interrupted", "detach ch 1", "attach ch at b:1 as 2"])
    let late = RedisSubscriptionEvent.message(ByteBuffer(string: "late"))
    #expect(describe(machine.received(late, on: "ch", attempt: 1)) == [], "from the old place")
    #expect(describe(machine.attached("ch", attempt: 1)) == [])
    #expect(describe(machine.attached("ch", attempt: 2)) == ["l restored"])
  }

  @Test("an interruption at the primary is passed on, once")
  func interrupted() {
    var machine = subscribed()
    #expect(describe(machine.received(.interrupted, on: "ch", attempt: 1)) == ["l interrupted"])
    #expect(describe(machine.received(.interrupted, on: "ch", attempt: 1)) == [])
    #expect(describe(machine.add("m", id: 2, channel: "ch")) == [])
    #expect(describe(machine.received(.restored, on: "ch", attempt: 1)) == ["l restored", "m acknowledged"])
  }

  @Test("a primary that sends the channel on is left, asked about and tried again later and later")
  func refused() {
    var machine = subscribed()
    let moved = RedisError.server("MOVED 1 b:1")
    #expect(
      describe(machine.refused("ch", attempt: 1, moved))
        == ["l interrupted", "detach ch 1", "look", "retry ch 2 after 50"])
    #expect(describe(machine.retry("ch", attempt: 2)) == ["attach ch at a:1 as 3"])
    #expect(describe(machine.refused("ch", attempt: 3, moved)) == ["detach ch 3", "look", "retry ch 4 after 100"])
    #expect(describe(machine.adopt(table("b"))) == ["attach ch at b:1 as 5"], "the news was faster")
    #expect(describe(machine.retry("ch", attempt: 4)) == [])
    #expect(describe(machine.attached("ch", attempt: 5)) == ["l restored"])
  }

  @Test("a refusal that stays one is told to those who wait, and those who had it keep asking")
  func denied() {
    var machine = Machine(maximumChannels: 2)
    _ = machine.adopt(table("a"))
    _ = machine.add("l", id: 1, channel: "ch")
    #expect(
      describe(machine.refused("ch", attempt: 1, .server("NOPERM no"))) == ["detach ch 1", "l rejected: server"])
    #expect(describe(machine.add("m", id: 2, channel: "ch")) == ["attach ch at a:1 as 2"])
    _ = machine.attached("ch", attempt: 2)
    #expect(
      describe(machine.refused("ch", attempt: 2, .server("NOPERM no")))
        == ["m interrupted", "detach ch 2", "look", "retry ch 3 after 50"])
  }

  @Test("waiting ends, the number of channels is bounded, and stopping tells everybody")
  func ends() {
    var machine = subscribed()
    _ = machine.add("m", id: 2, channel: "other")
    #expect(describe(machine.add("n", id: 3, channel: "third")) == ["n rejected: overloaded"])
    let late = RedisError.timedOut(after: .seconds(5), mayHaveRun: true)
    #expect(describe(machine.expire(id: 1, late)) == [], "too late to give up")
    #expect(describe(machine.expire(id: 2, late)) == ["m rejected: timedOut", "detach other 2"])
    _ = machine.add("o", id: 4, channel: "third")
    #expect(Set(describe(machine.stop(.shutDown))) == ["l interrupted", "o rejected: unavailable"])
  }
}
