import NIOConcurrencyHelpers
import NIOCore
import RedisClient
import TestSupport
import Testing

/// Connections that look healthy and deliver nothing.
@Suite("Mute subscriptions and connections into the void", .timeLimit(.minutes(2)))
struct MuteSubscriptionTests {
  @Test("one that answers every PING and delivers no messages is closed, and its listeners are told")
  func mute() async throws {
    let isMute = NIOLockedValueBox(false)
    let channels = NIOLockedValueBox<[String: any Channel]>([:])
    try await withFakeAndClient(
      configure: {
        $0.probeInterval = .seconds(1)
        $0.provesSubscriptions = true
      },
      answer: { command, channel in
        switch command.first {
        case "SSUBSCRIBE":
          channels.withLockedValue { $0[command[1]] = channel }
          return "*3\r\n$10\r\nssubscribe\r\n$\(command[1].utf8.count)\r\n\(command[1])\r\n:1\r\n"
        case "SPUBLISH":
          guard !isMute.withLockedValue({ $0 }) else { return ":1\r\n" }
          // As Redis does it: the message is on its way before the publisher is told.
          guard let listener = channels.withLockedValue({ $0[command[1]] }) else { return ":0\r\n" }
          listener.writeAndFlush(ByteBuffer(string: push("smessage", command[1], command[2]))).whenComplete { _ in
            channel.writeAndFlush(ByteBuffer(string: ":1\r\n"), promise: nil)
          }
          return nil
        case "PING":
          return channels.withLockedValue { $0.values.contains { $0 === channel } } ? push("pong", "") : "+PONG\r\n"
        default: return nil
        }
      }
    ) { fake, client in
      let heard = Heard()
      let subscription = try await client.subscribe(to: "ch") { heard.append($0) }
      defer { subscription.cancel() }
      try await eventually("it proves itself again and again") {
        fake.commands.filter { $0.first == "SPUBLISH" }.count > 2
      }
      isMute.withLockedValue { $0 = true }
      let before = heard.events.count
      try await eventually("a new connection") { heard.events.dropFirst(before).contains(.restored) }
    }
  }

  @Test("on a real server, and after SUNSUBSCRIBE by somebody else's hand, messages go on")
  func real() async throws {
    try await withServerAndClient(configure: {
      $0.probeInterval = .milliseconds(200)
      $0.provesSubscriptions = true
    }) { _, client in
      let heard = Heard()
      let subscription = try await client.subscribe(to: "ch") { heard.append($0) }
      defer { subscription.cancel() }
      try await eventually("proved") {
        let text = try await client.send(RedisCommand("INFO", "commandstats"), key: nil).string ?? ""
        let line = text.split(separator: "\r\n").first { $0.hasPrefix("cmdstat_spublish:calls=") }
        return (line.flatMap { Int($0.dropFirst("cmdstat_spublish:calls=".count).prefix { $0.isNumber }) } ?? 0) > 3
      }
      _ = try await client.send(RedisCommand("SPUBLISH", "ch", "x"), key: nil)
      try await eventually("heard") { heard.messages == ["x"] }
    }
  }

  @Test("a command connection on which nothing comes for as long as a command may take is closed at once")
  func void() async throws {
    try await withFakeAndClient(
      configure: { $0.commandTimeout = .milliseconds(200) }, answer: { _, _ in nil }
    ) { fake, client in
      let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("GET", "k"), key: nil) }
      #expect(error?.mayHaveRun == true)
      try await eventually("a new connection") { fake.channels.count > 2 }
    }
  }
}
