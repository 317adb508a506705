import NIOCore
import Testing

@testable import RedisClient

@Suite("When to connect")
struct ReconnectionStateMachineTests {
  typealias Machine = ReconnectionStateMachine<String>

  private func describe(_ action: Machine.Action) -> String {
    switch action {
    case .none: "nothing"
    case .connect: "connect"
    case .pause(let amount): "pause \(amount.nanoseconds / 1_000_000)"
    case .close(let connection): "close \(connection)"
    case .cancelPause: "cancel pause"
    }
  }

  private func machine() -> Machine { Machine(delay: .milliseconds(100)...Duration.milliseconds(1000)) }

  @Test("pauses double from the lower to the upper bound and begin anew after a connection")
  func backoff() {
    var machine = machine()
    #expect(describe(machine.start()) == "connect")
    #expect(describe(machine.start()) == "nothing")
    var pauses: [String] = []
    for _ in 0..<6 {
      pauses.append(describe(machine.failed(jitter: 1)))
      #expect(describe(machine.pauseEnded()) == "connect")
    }
    #expect(pauses == ["pause 100", "pause 200", "pause 400", "pause 800", "pause 1000", "pause 1000"])
    #expect(describe(machine.succeeded("one")) == "nothing")
    #expect(machine.connection == "one")
    #expect(describe(machine.lost(jitter: 1)) == "pause 100")
    #expect(machine.connection == nil)
  }

  @Test("jitter draws between half the pause and all of it")
  func jitter() {
    for (jitter, expected) in [(0.0, "pause 50"), (0.5, "pause 75"), (1.0, "pause 100")] {
      var machine = machine()
      _ = machine.start()
      #expect(describe(machine.failed(jitter: jitter)) == expected)
    }
  }

  @Test("the pause stays in bounds after a thousand failures")
  func manyFailures() {
    var machine = machine()
    _ = machine.start()
    for _ in 0..<1000 {
      guard case .pause(let amount) = machine.failed(jitter: .random(in: 0...1)) else {
        Issue.record("no pause")
        return
      }
      #expect(amount >= .milliseconds(50) && amount <= .milliseconds(1000))
      _ = machine.pauseEnded()
    }
  }

  @Test("stopping ends whatever goes on, and a connection that comes too late is closed")
  func stop() {
    var connected = machine()
    _ = connected.start()
    _ = connected.succeeded("one")
    #expect(describe(connected.stop()) == "close one")
    #expect(describe(connected.lost(jitter: 1)) == "nothing")
    var pausing = machine()
    _ = pausing.start()
    _ = pausing.failed(jitter: 1)
    #expect(describe(pausing.stop()) == "cancel pause")
    #expect(describe(pausing.pauseEnded()) == "nothing")
    var connecting = machine()
    _ = connecting.start()
    #expect(describe(connecting.stop()) == "nothing")
    #expect(describe(connecting.succeeded("late")) == "close late")
    #expect(describe(connecting.failed(jitter: 1)) == "nothing")
    #expect(describe(connecting.start()) == "nothing")
  }

  @Test("the pause grows while connections are of no use, and not for one that was")
  func uselessConnections() {
    var machine = ReconnectionStateMachine<String>(delay: .milliseconds(100)...Duration.milliseconds(1000))
    _ = machine.start()
    for pause in [100, 200, 400, 800, 1000] {
      _ = machine.succeeded("c")
      guard case .pause(let amount) = machine.lost(jitter: 1, countsAsFailure: true) else {
        Issue.record("no pause")
        return
      }
      #expect(amount == .milliseconds(Int64(pause)))
      _ = machine.pauseEnded()
    }
    _ = machine.succeeded("c")
    guard case .pause(.milliseconds(100)) = machine.lost(jitter: 1) else {
      Issue.record("not the shortest pause")
      return
    }
  }
}
