import NIOCore
import RedisClient
import TestSupport
import Testing

@Suite("Subscriptions over connection changes", .timeLimit(.minutes(2)))
struct SubscriptionTests {
  @Test("a killed server interrupts, its return restores, and messages flow again")
  func restart() async throws {
    try await withServerAndClient { server, client in
      let heard = Heard()
      _ = try await client.subscribe(to: "ch") { heard.append($0) }
      server.kill()
      try await eventually("interrupted") { heard.events == [.interrupted] }
      try await server.start()
      try await eventually("restored") { heard.events == [.interrupted, .restored] }
      try await eventually("published") {
        (try? await client.send(RedisCommand("SPUBLISH", "ch", "again"), key: nil)) == .integer(1)
      }
      try await eventually("heard") { heard.messages == ["again"] }
    }
  }

  @Test("a frozen server is noticed by the probe")
  func frozen() async throws {
    try await withServerAndClient(configure: {
      $0.probeInterval = .seconds(1)
      $0.connectTimeout = .seconds(5)
    }) { server, client in
      let heard = Heard()
      _ = try await client.subscribe(to: "ch") { heard.append($0) }
      server.freeze()
      try await eventually("interrupted") { heard.events == [.interrupted] }
      server.thaw()
      try await eventually("restored") { heard.events == [.interrupted, .restored] }
    }
  }

  @Test("a quiet subscription on a healthy server is probed and stays")
  func quiet() async throws {
    try await withFakeAndClient(
      configure: { $0.probeInterval = .seconds(3) },
      answer: { command, _ in
        switch command.first {
        case "SSUBSCRIBE": "*3\r\n$10\r\nssubscribe\r\n$2\r\nch\r\n:1\r\n"
        case "PING": push("pong", "")
        default: nil
        }
      }
    ) { fake, client in
      let heard = Heard()
      _ = try await client.subscribe(to: "ch") { heard.append($0) }
      try await eventually("probed twice") { fake.commands.filter { $0 == ["PING"] }.count >= 2 }
      #expect(heard.events.isEmpty)
      #expect(fake.commands.filter { $0.first == "SSUBSCRIBE" }.count == 1)
    }
  }

  @Test("an unsolicited sunsubscribe is answered with a new subscription")
  func unsolicited() async throws {
    try await withFakeAndClient(answer: { command, channel in
      command.first == "SSUBSCRIBE" ? "*3\r\n$10\r\nssubscribe\r\n$2\r\nch\r\n:1\r\n" : "+PONG\r\n"
    }) { fake, client in
      let heard = Heard()
      _ = try await client.subscribe(to: "ch") { heard.append($0) }
      for channel in fake.channels {
        channel.writeAndFlush(ByteBuffer(string: "*3\r\n$12\r\nsunsubscribe\r\n$2\r\nch\r\n:0\r\n"), promise: nil)
      }
      try await eventually("restored") { heard.events == [.interrupted, .restored] }
      #expect(fake.commands.filter { $0 == ["SSUBSCRIBE", "ch"] }.count == 2)
    }
  }

  @Test("a subscription without an acknowledgement fails in time and is taken back")
  func noAcknowledgement() async throws {
    try await withFakeAndClient(configure: { $0.commandTimeout = .seconds(1) }, answer: { _, _ in nil }) {
      fake, client in
      // Connected on both ways first, so that the command is sent.
      try await eventually("connected") { fake.channels.count >= 2 }
      let error = await #expect(throws: RedisError.self) { try await client.subscribe(to: "ch") { _ in } }
      #expect(error?.code == .timedOut)
      try await eventually("taken back") { fake.commands.contains(["SUNSUBSCRIBE", "ch"]) }
    }
  }

  @Test("the number of channels is bounded")
  func bounded() async throws {
    try await withServerAndClient(configure: { $0.maximumChannels = 2 }) { _, client in
      _ = try await client.subscribe(to: "a") { _ in }
      let second = try await client.subscribe(to: "b") { _ in }
      let error = await #expect(throws: RedisError.self) { try await client.subscribe(to: "c") { _ in } }
      #expect(error?.code == .overloaded && error?.mayHaveRun == false)
      client.unsubscribe(second)
      _ = try await client.subscribe(to: "c") { _ in }
    }
  }

  @Test("no event comes after a listener cancelled itself from within an event")
  func cancelsItself() async throws {
    try await withServerAndClient { _, client in
      let heard = Heard()
      let other = Heard()
      let box = SubscriptionBox()
      box.set(
        try await client.subscribe(to: "ch") { event in
          heard.append(event)
          box.cancel()
        })
      _ = try await client.subscribe(to: "ch") { other.append($0) }
      for number in 0..<50 { _ = try await client.send(RedisCommand("SPUBLISH", "ch", .integer(number)), key: nil) }
      try await eventually("the other heard all") { other.messages.count == 50 }
      #expect(heard.messages == ["0"])
    }
  }

  @Test("many channels come back after a restart")
  func manyChannels() async throws {
    try await withServerAndClient { server, client in
      let heard = (0..<300).map { _ in Heard() }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (number, heard) in heard.enumerated() {
          group.addTask { _ = try await client.subscribe(to: "ch\(number)") { heard.append($0) } }
        }
        try await group.waitForAll()
      }
      server.kill()
      try await server.start()
      try await eventually("all restored") { heard.allSatisfy { $0.events == [.interrupted, .restored] } }
      for number in 0..<300 {
        try await eventually("published") {
          (try? await client.send(RedisCommand("SPUBLISH", .string("ch\(number)"), "m"), key: nil)) == .integer(1)
        }
      }
      try await eventually("all heard") { heard.allSatisfy { $0.messages == ["m"] } }
    }
  }
}
