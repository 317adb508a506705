import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

@Suite("Lost, silent and misbehaving connections", .timeLimit(.minutes(2)))
struct ConnectionLossTests {
  /// Waits until some client's BLPOP is with the server, where it stays without an answer.
  private func waitForBlockedCommand(on server: RedisServer) async throws {
    try await withClient(server.configuration) { observer in
      try await eventually("the command is with the server") {
        try await observer.send(RedisCommand("CLIENT", "LIST"), key: nil).expectString().contains("cmd=blpop")
      }
    }
  }

  @Test("a command on the wire when the server is killed may have run; later commands run on a new connection")
  func killed() async throws {
    try await withServerAndClient { server, client in
      try await client.send(RedisCommand("SET", "k", "1"), key: nil).expectOK()
      // Its answer is held back until the server is killed.
      let blocked = Task { try await client.send(RedisCommand("BLPOP", "nothing", 0), key: nil) }
      try await waitForBlockedCommand(on: server)
      server.kill()
      let error = await #expect(throws: RedisError.self) { try await blocked.value }
      #expect(error?.code == .connectionLost)
      #expect(error?.mayHaveRun == true)
      try await server.start()
      try await eventually("a new connection") {
        (try? await client.send(RedisCommand("PING"), key: nil)) == .status("PONG")
      }
    }
  }

  @Test("without a server a command fails as unavailable, names the address and has not run")
  func unavailable() async throws {
    var configuration = RedisClientConfiguration(
      topology: .standalone(.unixSocket(path: "/tmp/tandem-no-redis-here.sock")))
    configuration.connectionWait = .milliseconds(50)
    try await withClient(configuration) { client in
      let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING"), key: nil) }
      #expect(error?.code == .unavailable)
      #expect(error?.mayHaveRun == false)
      #expect(error?.message.contains("/tmp/tandem-no-redis-here.sock") == true)
    }
  }

  @Test("commands given while the server restarts wait for it")
  func waitsForRestart() async throws {
    try await withRedisServer { server in
      var configuration = server.configuration
      configuration.connectionWait = .seconds(20)
      // One event loop, so that the one connection's loss is everybody's.
      try await withClient(configuration, group: MultiThreadedEventLoopGroup.singleton.next()) { client in
        let blocked = Task { try await client.send(RedisCommand("BLPOP", "nothing", 0), key: nil) }
        try await waitForBlockedCommand(on: server)
        server.kill()
        // Its failure says that the loss is noticed.
        await #expect(throws: RedisError.self) { try await blocked.value }
        let waiting = (0..<8).map { number in
          Task { try await client.send(RedisCommand("ECHO", .integer(number)), key: nil).integer }
        }
        try await server.start()
        for (number, task) in waiting.enumerated() { #expect(try await task.value == number) }
      }
    }
  }

  @Test("a frozen server: the command times out, the connection is closed and replaced")
  func frozen() async throws {
    try await withServerAndClient(
      group: MultiThreadedEventLoopGroup.singleton.next(),
      configure: {
        $0.commandTimeout = .milliseconds(300)
        $0.connectTimeout = .milliseconds(300)
        $0.connectionWait = .milliseconds(300)
      }
    ) { server, client in
      try await eventually("connected") {
        (try? await client.send(RedisCommand("PING"), key: nil)) == .status("PONG")
      }
      server.freeze()
      let error = await #expect(throws: RedisError.self) {
        try await client.send(RedisCommand("SET", "k", "v"), key: nil)
      }
      #expect(error?.code == .timedOut)
      #expect(error?.mayHaveRun == true)
      try await eventually("the stuck connection is closed") {
        do throws(RedisError) {
          _ = try await client.send(RedisCommand("PING"), key: nil)
          return false
        } catch {
          return error.code == .connectionLost || error.code == .unavailable
        }
      }
      server.thaw()
      try await eventually("a new connection") {
        (try? await client.send(RedisCommand("PING"), key: nil)) == .status("PONG")
      }
    }
  }

  @Test("a late reply goes to nobody, and the connection stays in step")
  func lateReply() async throws {
    try await withServerAndClient(
      group: MultiThreadedEventLoopGroup.singleton.next(), configure: { $0.commandTimeout = .milliseconds(500) }
    ) { _, client in
      try await eventually("connected") {
        (try? await client.send(RedisCommand("PING"), key: nil)) == .status("PONG")
      }
      let error = await #expect(throws: RedisError.self) {
        try await client.send(RedisCommand("BLPOP", "nothing", "0.8"), key: nil)
      }
      #expect(error?.code == .timedOut)
      try await eventually("the answers fit again") {
        (try? await client.send(RedisCommand("ECHO", "x"), key: nil))?.string == "x"
      }
    }
  }

  @Test("more commands than the bound are refused and have not run; the rest is answered")
  func overloaded() async throws {
    try await withFakeAndClient(configure: { $0.maximumCommandsInFlight = 3 }, answer: { _, _ in nil }) {
      fake, client in
      try await withThrowingTaskGroup(of: RedisError.Code?.self) { group in
        for number in 0..<5 {
          group.addTask {
            do throws(RedisError) {
              _ = try await client.send(RedisCommand("HOLD", .integer(number)), key: nil)
              return nil
            } catch {
              if error.code == .overloaded { #expect(!error.mayHaveRun) }
              return error.code
            }
          }
        }
        var refused = 0
        while refused < 2, let code = try await group.next() { if code == .overloaded { refused += 1 } }
        #expect(refused == 2)
        try await eventually("three arrived") { fake.commands.count == 3 }
        for channel in fake.channels { channel.writeAndFlush(ByteBuffer(string: "+A\r\n+B\r\n+C\r\n"), promise: nil) }
        while let code = try await group.next() { #expect(code == nil) }
      }
    }
  }

  @Test("commands that wait for a connection are bounded too", arguments: [true, false])
  func overloadedWaiting(byCount: Bool) async throws {
    var configuration = RedisClientConfiguration(
      topology: .standalone(.unixSocket(path: "/tmp/tandem-no-redis-here.sock")))
    configuration.connectionWait = .milliseconds(300)
    if byCount { configuration.maximumCommandsInFlight = 2 } else { configuration.maximumBytesInFlight = 100 }
    let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    try await withClient(configuration, group: eventLoop) { client in
      await withTaskExecutorPreference(EventLoopTaskExecutor(eventLoop)) {
        let codes = await withTaskGroup(of: RedisError.Code?.self) { group in
          for _ in 0..<20 {
            group.addTask {
              do throws(RedisError) {
                _ = try await client.send(RedisCommand("PING"), key: nil)
                return nil
              } catch {
                #expect(!error.mayHaveRun)
                return error.code
              }
            }
          }
          return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.contains(.unavailable) && codes.contains(.overloaded))
        #expect(codes.allSatisfy { $0 == .unavailable || $0 == .overloaded })
        #expect(codes.filter { $0 == .unavailable }.count <= 4)
      }
    }
  }

  @Test("more bytes than the bound are refused")
  func overloadedBytes() async throws {
    try await withServerAndClient(configure: { $0.maximumBytesInFlight = 1000 }) { _, client in
      let big = RedisArgument.bytes(ByteBuffer(repeating: 1, count: 2000))
      let error = await #expect(throws: RedisError.self) {
        try await client.send(RedisCommand("SET", "k", big), key: nil)
      }
      #expect(error?.code == .overloaded)
      let stored = try await client.send(RedisCommand("GET", "k"), key: nil)
      #expect(stored.isNull)
    }
  }

  @Test("a reply beyond the limit fails its own command; its neighbours are answered on the same connection")
  func replyTooLarge() async throws {
    try await withServerAndClient(
      group: MultiThreadedEventLoopGroup.singleton.next(), configure: { $0.maximumReplyBytes = 10_000 }
    ) { _, client in
      _ = try await client.send(RedisCommand("SETRANGE", "big", 200_000, "x"), key: nil)
      let nested = RedisScript(
        name: "nested",
        source: "#!lua\nlocal many = {}\nfor i = 1, 3000 do many[i] = {i, {'x'}} end\nreturn {1, many, 'end'}")
      let connection = try await client.send(RedisCommand("CLIENT", "ID"), key: nil)
      let answers = await withTaskGroup(of: (Int, Result<RedisValue, RedisError>).self) { group in
        for number in 0..<60 {
          group.addTask {
            do throws(RedisError) {
              switch number % 4 {
              case 0: return (number, .success(try await client.send(RedisCommand("GET", "big"), key: nil)))
              case 1: return (number, .success(try await client.evaluate(nested, keys: ["k"], arguments: [])))
              default:
                return (number, .success(try await client.send(RedisCommand("ECHO", .integer(number)), key: nil)))
              }
            } catch { return (number, .failure(error)) }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.count == 60)
      for (number, answer) in answers {
        switch answer {
        case .success(let value): #expect(number % 4 > 1 && value.integer == number)
        case .failure(let error):
          #expect(number % 4 <= 1 && error.code == .replyTooLarge && error.message.contains("10000 bytes"))
        }
      }
      #expect(try await client.send(RedisCommand("CLIENT", "ID"), key: nil) == connection)
    }
  }

  @Test("a message beyond the limit is told as a gap; the subscriptions go on")
  func messageTooLarge() async throws {
    try await withServerAndClient(configure: { $0.maximumReplyBytes = 10_000 }) { _, client in
      let heard = Heard()
      let subscription = try await client.subscribe(to: "ch") { heard.append($0) }
      defer { subscription.cancel() }
      for text in ["before", String(repeating: "x", count: 20_000), "after"] {
        _ = try await client.send(RedisCommand("SPUBLISH", "ch", .string(text)), key: nil)
      }
      try await eventually("both small ones are heard") { heard.messages.count == 2 }
      #expect(
        heard.events == [
          .message(ByteBuffer(string: "before")), .interrupted, .restored, .message(ByteBuffer(string: "after")),
        ])
    }
  }

  @Test(
    "garbage and unasked replies close the connection with a clear error", arguments: ["garbage\r\n", "+A\r\n+B\r\n"])
  func garbage(bytes: String) async throws {
    try await withFakeAndClient(answer: { command, _ in
      command == ["FINE"] ? "+FINE\r\n" : bytes
    }) { fake, client in
      let first = try? await client.send(RedisCommand("X"), key: nil)
      #expect(first == (bytes.hasPrefix("+A") ? .status("A") : nil))
      try await eventually("a second connection answers") {
        (try? await client.send(RedisCommand("FINE"), key: nil)) == .status("FINE") && fake.channels.count >= 3
      }
    }
  }
}
