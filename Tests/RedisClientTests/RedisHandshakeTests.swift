import NIOCore
import RedisWire
import Testing

@testable import RedisClient

@Suite("The handshake")
struct RedisHandshakeTests {
  private func configuration(_ change: (inout RedisClientConfiguration) -> Void = { _ in }) -> RedisClientConfiguration
  {
    var configuration = RedisClientConfiguration(topology: .standalone(.host("h", port: 1)))
    change(&configuration)
    return configuration
  }

  @Test("commands follow the configuration")
  func commands() {
    #expect(
      RedisHandshake(configuration()).commands == [
        RedisCommand("CLIENT", "SETNAME", "tandem"), RedisCommand("ROLE"), RedisCommand("PING"),
      ])
    let full = RedisHandshake(
      configuration {
        $0.username = "u"
        $0.password = "p"
        $0.database = 3
        $0.connectionName = nil
      })
    #expect(
      full.commands == [
        RedisCommand("AUTH", "u", "p"), RedisCommand("SELECT", 3), RedisCommand("ROLE"), RedisCommand("PING"),
      ])
    let passwordOnly = RedisHandshake(configuration { $0.password = "p" })
    #expect(passwordOnly.commands.first == RedisCommand("AUTH", "p"))
  }

  @Test("it is done with the last good answer; a name or a question that an ACL refuses does not matter")
  func succeeds() {
    var handshake = RedisHandshake(configuration { $0.password = "p" })
    #expect(handshake.receive(.status("OK")) == .more)
    #expect(handshake.receive(.error("NOPERM this user has no permissions")) == .more)
    #expect(handshake.receive(.error("NOPERM this user has no permissions")) == .more)
    #expect(handshake.receive(.status("PONG")) == .done)
  }

  @Test("each refusal says what was refused and holds no password")
  func refusals() {
    let steps: [(error: String, answersBefore: [RedisValue], sentence: String)] = [
      ("WRONGPASS invalid username-password pair", [], "user or password"),
      ("ERR DB index is out of range", [.status("OK"), .status("OK")], "database 9"),
      (
        "LOADING Redis is loading the dataset in memory",
        [.status("OK"), .status("OK"), .status("OK"), .array([.bytes(ByteBuffer(string: "master")), .integer(0)])],
        "not ready"
      ),
    ]
    for step in steps {
      var handshake = RedisHandshake(
        configuration {
          $0.password = "secret"
          $0.database = 9
        })
      for answer in step.answersBefore { #expect(handshake.receive(answer) == .more) }
      guard case .failed(let error) = handshake.receive(.error(step.error)) else {
        Issue.record("not refused: \(step.error)")
        continue
      }
      #expect(error.message.contains(step.sentence))
      #expect(!error.message.contains("secret"))
      #expect(error.code == .unavailable && !error.mayHaveRun)
    }
  }

  @Test("a replica is refused, unless it is of use")
  func replica() {
    let role = RedisValue.array([.bytes(ByteBuffer(string: "slave")), .bytes(ByteBuffer(string: "other")), .integer(1)])
    var handshake = RedisHandshake(configuration { $0.connectionName = nil })
    guard case .failed(let error) = handshake.receive(role) else {
      Issue.record("accepted")
      return
    }
    #expect(error.code == .unavailable && error.message.contains("replica"))
    var reading = RedisHandshake(
      configuration {
        $0.connectionName = nil
        $0.acceptsReplica = true
      })
    #expect(reading.receive(role) == .more)
    #expect(reading.receive(.status("PONG")) == .done)
  }

  @Test("something that is not Redis is recognised")
  func notRedis() {
    var handshake = RedisHandshake(configuration { $0.connectionName = nil })
    guard case .failed(let error) = handshake.receive(.integer(4)) else {
      Issue.record("accepted")
      return
    }
    #expect(error.code == .protocolViolation)
  }
}
