import ArgumentParser
import Logging
import NIOCore
import NIOPosix
import RedisClient
import TestSupport

/// Scripts per second through `RedisClient`, against `redis-benchmark` with the same script on the same server.
struct ClientBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "client", abstract: "Scripts per second through the Redis client.")

  @Option(help: "Seconds to measure each line.")
  var seconds: Double = 3

  @Option(help: "Commands in flight, comma separated.")
  var inFlight: String = "1,64,256"

  func validate() throws {
    guard seconds > 0, !depths.isEmpty, depths.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("--seconds and --in-flight must be positive numbers.")
    }
  }

  private var depths: [Int] { inFlight.split(separator: ",").map { Int($0) ?? 0 } }

  func run() async throws {
    let server = try await RedisServer()
    defer { server.stop() }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let client = RedisClient(
      configuration: server.configuration, eventLoopGroup: group, logger: Logger(label: "benchmark"))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await client.run() }
      try await measure(client, server, on: group.next())
      tasks.cancelAll()
    }
    try await group.shutdownGracefully()
  }

  private func measure(_ client: RedisClient, _ server: RedisServer, on eventLoop: any EventLoop) async throws {
    // Teaches the script to the server, so that nobody meets NOSCRIPT.
    _ = try await RealisticScript.run(on: client)
    print("One realistic script (HMGET, HSET of 8, ZADD, XADD, SPUBLISH of 400 B), one connection, Unix socket.")
    print(Table.row(["in flight", "client/s", "CPU us/op", "benchmark -c n", "ratio", "benchmark -P n", "ratio"]))
    for depth in depths {
      let bound = RedisBenchmark(socket: server.socketPath, seconds: seconds)
      let connections = try bound.scriptsPerSecond(connections: depth, pipelined: 1)
      let pipelined = try bound.scriptsPerSecond(connections: 1, pipelined: depth)
      _ = try await scripts(client, depth: depth, for: .milliseconds(300), on: eventLoop)
      let own = try await scripts(client, depth: depth, for: .seconds(seconds), on: eventLoop)
      print(
        Table.row([
          "\(depth)", "\(Int(own.perSecond))", Table.decimal(own.microsecondsOfCPU), "\(Int(connections))",
          Table.decimal(own.perSecond / connections), "\(Int(pipelined))", Table.decimal(own.perSecond / pipelined),
        ]))
    }
  }

  /// Keeps `depth` scripts in flight from tasks pinned to the event loop, as the server's requests are.
  private func scripts(
    _ client: RedisClient, depth: Int, for duration: Duration, on eventLoop: any EventLoop
  ) async throws -> Measurement {
    try await Measurement.take {
      try await withTaskExecutorPreference(EventLoopTaskExecutor(eventLoop)) {
        try await withThrowingTaskGroup(of: Int.self) { group in
          let end = ContinuousClock.now.advanced(by: duration)
          for _ in 0..<depth {
            group.addTask {
              var count = 0
              while ContinuousClock.now < end {
                _ = try await RealisticScript.run(on: client)
                count += 1
              }
              return count
            }
          }
          return try await group.reduce(0, +)
        }
      }
    }
  }
}
