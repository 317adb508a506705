import NIOCore
import RedisWire
import Testing

@testable import RedisClient

/// Listeners are strings here; each test is a script of calls and the actions that must follow.
@Suite("The subscriptions of one connection")
struct SubscriberStateMachineTests {
  typealias Machine = SubscriberStateMachine<String>

  private func describe(_ actions: [Machine.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .subscribe(let channel): "SSUBSCRIBE \(channel)"
      case .unsubscribe(let channel): "SUNSUBSCRIBE \(channel)"
      case .ping: "PING"
      case .prove(let channel, let token): "publish \(token) on \(channel)"
      case .acknowledge(let listener): "\(listener) acknowledged"
      case .reject(let listener, let error): "\(listener) rejected: \(error.code)"
      case .notify(let listener, .message(let bytes)): "\(listener) hears \(String(buffer: bytes))"
      case .notify(let listener, .interrupted): "\(listener) interrupted"
      case .notify(let listener, .restored): "\(listener) restored"
      case .moved(let channel, let error): "\(channel) has \(error.message)"
      case .close(let error): "close: \(error.code)"
      }
    }
  }

  private func push(_ kind: String, _ channel: String, _ payload: String? = nil) -> RedisValue {
    let last = payload.map { RedisValue.bytes(ByteBuffer(string: $0)) } ?? .integer(1)
    return .array([.bytes(ByteBuffer(string: kind)), .bytes(ByteBuffer(string: channel)), last])
  }

  /// A connected machine with one acknowledged listener "a" on "ch".
  private func subscribedMachine() -> Machine {
    var machine = Machine(maximumChannels: 10)
    _ = machine.connected()
    _ = machine.add("a", id: 1, channel: "ch")
    _ = machine.receive(push("ssubscribe", "ch"))
    return machine
  }

  @Test("the first hold subscribes, later ones share it, the last to go unsubscribes")
  func counts() {
    var machine = Machine(maximumChannels: 10)
    #expect(describe(machine.connected()) == [])
    #expect(describe(machine.add("a", id: 1, channel: "ch")) == ["SSUBSCRIBE ch"])
    #expect(describe(machine.add("b", id: 2, channel: "ch")) == [])
    #expect(describe(machine.receive(push("ssubscribe", "ch"))) == ["a acknowledged", "b acknowledged"])
    #expect(describe(machine.add("c", id: 3, channel: "ch")) == ["c acknowledged"])
    #expect(describe(machine.receive(push("smessage", "ch", "x"))) == ["a hears x", "b hears x", "c hears x"])
    #expect(describe(machine.remove(id: 1)) == [])
    #expect(describe(machine.remove(id: 1)) == [], "a second time does nothing")
    #expect(describe(machine.remove(id: 3)) == [])
    #expect(describe(machine.remove(id: 2)) == ["SUNSUBSCRIBE ch"])
    #expect(describe(machine.receive(push("smessage", "ch", "late"))) == [])
    #expect(describe(machine.receive(push("sunsubscribe", "ch"))) == [])
    #expect(machine.channelCount == 0)
  }

  @Test("a channel taken again before its end is acknowledged only by its own SSUBSCRIBE")
  func takenAgain() {
    var machine = Machine(maximumChannels: 10)
    _ = machine.connected()
    #expect(describe(machine.add("a", id: 1, channel: "ch")) == ["SSUBSCRIBE ch"])
    #expect(describe(machine.remove(id: 1)) == ["SUNSUBSCRIBE ch"])
    #expect(describe(machine.add("b", id: 2, channel: "ch")) == ["SSUBSCRIBE ch"])
    #expect(describe(machine.receive(push("ssubscribe", "ch"))) == [], "that was for a")
    #expect(describe(machine.receive(push("sunsubscribe", "ch"))) == [])
    #expect(describe(machine.receive(push("ssubscribe", "ch"))) == ["b acknowledged"])
  }

  @Test("without a connection a hold waits; connecting subscribes to everything")
  func waits() {
    var machine = Machine(maximumChannels: 10)
    #expect(describe(machine.add("a", id: 1, channel: "x")) == [])
    #expect(describe(machine.add("b", id: 2, channel: "y")) == [])
    #expect(Set(describe(machine.connected())) == ["SSUBSCRIBE x", "SSUBSCRIBE y"])
  }

  @Test("a lost connection interrupts those acknowledged, once, and the next restores them")
  func reconnects() {
    var machine = subscribedMachine()
    #expect(describe(machine.disconnected()) == ["a interrupted"])
    #expect(describe(machine.add("new", id: 2, channel: "ch")) == [])
    #expect(describe(machine.connected()) == ["SSUBSCRIBE ch"])
    #expect(describe(machine.disconnected()) == [], "interrupted once")
    #expect(describe(machine.connected()) == ["SSUBSCRIBE ch"])
    #expect(describe(machine.receive(push("smessage", "ch", "early"))) == [], "not promised yet")
    #expect(describe(machine.receive(push("ssubscribe", "ch"))) == ["a restored", "new acknowledged"])
    #expect(describe(machine.receive(push("smessage", "ch", "m"))) == ["a hears m", "new hears m"])
  }

  @Test("an unsolicited sunsubscribe interrupts, subscribes again and restores")
  func unsolicited() {
    var machine = subscribedMachine()
    #expect(describe(machine.receive(push("sunsubscribe", "ch"))) == ["a interrupted", "SSUBSCRIBE ch"])
    #expect(describe(machine.receive(push("sunsubscribe", "ch"))) == [], "already on its way")
    #expect(describe(machine.receive(push("ssubscribe", "ch"))) == ["a restored"])
    #expect(describe(machine.receive(push("sunsubscribe", "other"))) == [], "nobody wants that one")
  }

  @Test("a refused channel rejects those who wait, and keeps asking for those who had it")
  func refused() {
    var machine = Machine(maximumChannels: 10)
    _ = machine.connected()
    _ = machine.add("a", id: 1, channel: "ch")
    #expect(describe(machine.receive(.error("NOPERM no"))) == ["a rejected: server"])
    #expect(machine.channelCount == 0)
    machine = subscribedMachine()
    #expect(describe(machine.disconnected()) == ["a interrupted"])
    #expect(describe(machine.connected()) == ["SSUBSCRIBE ch"])
    #expect(describe(machine.receive(.error("NOPERM no"))) == [])
    #expect(describe(machine.tick()) == ["PING", "SSUBSCRIBE ch"])
    #expect(describe(machine.receive(.status("PONG"))) == [])
    #expect(describe(machine.receive(push("ssubscribe", "ch"))) == ["a restored"])
  }

  @Test("an error goes to the command it answers")
  func errorOrder() {
    var machine = subscribedMachine()
    _ = machine.tick()
    _ = machine.add("b", id: 2, channel: "other")
    #expect(describe(machine.receive(.error("ERR ping"))) == [])
    #expect(describe(machine.receive(push("ssubscribe", "other"))) == ["b acknowledged"])
  }

  @Test("a hold that is given up before the acknowledgement is rejected and unsubscribed")
  func expires() {
    var machine = Machine(maximumChannels: 10)
    _ = machine.connected()
    _ = machine.add("a", id: 1, channel: "ch")
    let error = RedisError.timedOut(after: .seconds(5), mayHaveRun: true)
    #expect(describe(machine.expire(id: 1, error)) == ["a rejected: timedOut", "SUNSUBSCRIBE ch"])
    #expect(describe(machine.expire(id: 1, error)) == [])
    machine = subscribedMachine()
    #expect(describe(machine.expire(id: 1, error)) == [], "too late to give up")
  }

  @Test("the number of channels is bounded; further holds on a channel are not")
  func bound() {
    var machine = Machine(maximumChannels: 1)
    _ = machine.add("a", id: 1, channel: "x")
    #expect(describe(machine.add("b", id: 2, channel: "x")) == [])
    #expect(describe(machine.add("c", id: 3, channel: "y")) == ["c rejected: overloaded"])
    _ = machine.remove(id: 1)
    _ = machine.remove(id: 2)
    #expect(describe(machine.add("c", id: 4, channel: "y")) == [])
  }

  @Test("two missed probes close the connection; anything heard in between counts")
  func probes() {
    var machine = subscribedMachine()
    #expect(describe(machine.tick()) == ["PING"])
    #expect(describe(machine.tick()) == ["PING"])
    var deaf = machine
    #expect(describe(deaf.tick()) == ["close: connectionLost"])
    _ = machine.receive(push("smessage", "ch", "x"))
    #expect(describe(machine.tick()) == ["PING"])
    #expect(describe(machine.tick()) == ["PING"])
    for _ in 0..<4 {
      #expect(describe(machine.receive(.array([.bytes(ByteBuffer(string: "pong")), .bytes(ByteBuffer())]))) == [])
    }
    #expect(describe(machine.tick()) == ["PING"])
    _ = machine.disconnected()
    #expect(describe(machine.tick()) == [], "nothing to probe")
  }

  @Test("a connection proves itself with a message that must be there before the PONG behind it")
  func proof() {
    var machine = Machine(maximumChannels: 10)
    _ = machine.connected()
    #expect(describe(machine.tick(proof: "own")) == ["PING"], "nobody listens")
    #expect(describe(machine.receive(.status("PONG"))) == [])
    machine = subscribedMachine()
    #expect(describe(machine.tick(proof: "own")) == ["PING", "SSUBSCRIBE own"])
    #expect(describe(machine.receive(.status("PONG"))) == [])
    #expect(describe(machine.tick(proof: "other")) == ["PING"], "it is under way")
    #expect(describe(machine.receive(push("ssubscribe", "own"))) == [])
    #expect(describe(machine.receive(.status("PONG"))) == [])
    for token in 1...3 {
      #expect(describe(machine.tick(proof: "other")) == ["PING", "publish \(token) on own"])
      machine.published("own", token: token)
      #expect(describe(machine.receive(push("smessage", "own", "\(token)"))) == [])
      #expect(describe(machine.receive(.status("PONG"))) == [])
    }
    #expect(machine.channelCount == 1)
    // The next one is taken by Redis and does not arrive; the PING that was on its way proves nothing yet.
    #expect(describe(machine.tick()) == ["PING", "publish 4 on own"])
    machine.published("own", token: 4)
    #expect(describe(machine.receive(.status("PONG"))) == [])
    #expect(describe(machine.tick()) == ["PING", "publish 5 on own"])
    #expect(describe(machine.receive(.status("PONG"))) == ["close: connectionLost"])
  }

  @Test("what could not be published proves nothing, and a channel that went with its slot is replaced")
  func proofLost() {
    var machine = subscribedMachine()
    _ = machine.tick(proof: "own")
    _ = machine.receive(.status("PONG"))
    _ = machine.receive(push("ssubscribe", "own"))
    for token in 1...3 {
      #expect(describe(machine.tick()) == ["PING", "publish \(token) on own"])
      #expect(describe(machine.receive(.status("PONG"))) == [])
    }
    #expect(describe(machine.receive(push("sunsubscribe", "own"))) == [])
    #expect(describe(machine.tick(proof: "next")) == ["PING", "SSUBSCRIBE next"])
    #expect(describe(machine.receive(.status("PONG"))) == [])
    #expect(describe(machine.receive(.error("MOVED 1 b:1"))) == [])
    #expect(describe(machine.tick(proof: "third")) == ["PING", "SSUBSCRIBE third"])
  }

  @Test(
    "what does not fit closes the connection",
    arguments: [
      RedisValue.integer(1), .null, .status("OK"), .status("PONG"), .error("ERR"), .array([]),
      .array([.integer(1), .integer(2), .integer(3)]),
      .array([.status("ssubscribe"), .status("never asked"), .integer(1)]),
    ])
  func outOfStep(reply: RedisValue) {
    var machine = subscribedMachine()
    #expect(describe(machine.receive(reply)) == ["close: protocolViolation"])
  }

  @Test("stopping rejects those who wait and interrupts the others")
  func stops() {
    var machine = subscribedMachine()
    _ = machine.add("b", id: 2, channel: "other")
    #expect(describe(machine.stop(.shutDown)) == ["b rejected: unavailable", "a interrupted"])
    #expect(machine.channelCount == 0)
    #expect(describe(machine.remove(id: 1)) == [])
  }
}
