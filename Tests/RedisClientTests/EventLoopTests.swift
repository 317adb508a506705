import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

@Suite("Commands on event loops", .timeLimit(.minutes(2)))
struct EventLoopTests {
  @Test("commands of one turn of the loop go out with one write")
  func oneFlush() async throws {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    try await withFakeAndClient(
      on: eventLoop, answer: { command, _ in "$\(command[1].utf8.count)\r\n\(command[1])\r\n" }
    ) { fake, client in
      _ = try await client.send(RedisCommand("ECHO", "ready"), key: nil)
      let before = fake.reads
      try await withTaskExecutorPreference(EventLoopTaskExecutor(eventLoop)) {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<40 {
            group.addTask {
              let reply = try await client.send(RedisCommand("ECHO", .integer(number)), key: nil)
              #expect(reply.integer == number)
            }
          }
          try await group.waitForAll()
        }
      }
      #expect(fake.commands.count == 41)
      #expect(fake.reads - before == 1)
    }
  }

  @Test("a task on an event loop uses that loop's connection and stays on the loop")
  func ownConnection() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
    try await withRedisServer { server in
      try await withClient(server.configuration, group: group) { client in
        var connections: [Int] = []
        for eventLoop in group.makeIterator() {
          let seen = try await withTaskExecutorPreference(EventLoopTaskExecutor(eventLoop)) {
            var seen: Set<Int> = []
            for _ in 0..<20 {
              seen.insert(try await client.send(RedisCommand("CLIENT", "ID"), key: nil).expectInteger())
              #expect(eventLoop.inEventLoop)
            }
            return seen
          }
          #expect(seen.count == 1)
          connections += seen
        }
        #expect(Set(connections).count == 3)
      }
    }
    try await group.shutdownGracefully()
  }

  @Test("unknown scripts in the middle of a pipeline are sent again without disturbing the rest")
  func unknownScripts() async throws {
    try await withServerAndClient { _, client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<300 {
          group.addTask {
            if number % 3 == 0 {
              let reply = try await client.send(RedisCommand("ECHO", .integer(number)), key: nil)
              #expect(reply.integer == number)
            } else if number % 50 == 1 {
              try await client.send(RedisCommand("SCRIPT", "FLUSH"), key: nil).expectOK()
            } else {
              let script = RedisScript(name: "s", source: "#!lua\nreturn \(number % 7) + tonumber(ARGV[1])")
              let reply = try await client.evaluate(script, keys: ["k"], arguments: [.integer(number)])
              #expect(reply.integer == number + number % 7)
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }
}
