import ArgumentParser
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// Messages posted per second over HTTP, against what `redis-benchmark` gets out of the same server with one realistic
/// script per command: the part that no node can make faster.
struct MessagesBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "messages", abstract: "POST message requests per second through a node.")

  @Option(help: "Seconds to measure each line.")
  var seconds: Double = 3

  @Option(help: "Connections, each with one request under way; comma separated.")
  var connections: String = "1,64,256"

  private var counts: [Int] { connections.split(separator: ",").map { Int($0) ?? 0 } }

  func validate() throws {
    guard seconds > 0, !counts.isEmpty, counts.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("--seconds and --connections must be positive numbers.")
    }
  }

  func run() async throws {
    let (serving, loading) = (
      MultiThreadedEventLoopGroup(numberOfThreads: 1), MultiThreadedEventLoopGroup(numberOfThreads: 1)
    )
    let (counts, seconds) = (counts, seconds)
    try await BenchmarkNode.with(on: serving) { node in
      _ = try await RealisticScript.run(on: node.client)
      print("POST message over HTTP/1.1: node and load generator in this process, one event loop each; CPU is of both.")
      print(Table.row(["connections", "requests/s", "CPU us/request", "benchmark -c n", "ratio"]))
      for count in counts {
        let bound = try RedisBenchmark(socket: node.redis.socketPath, seconds: seconds)
          .scriptsPerSecond(connections: count, pipelined: 1)
        _ = try await Self.measure(node, loading, connections: count, for: .milliseconds(500))
        let own = try await Self.measure(node, loading, connections: count, for: .seconds(seconds))
        print(
          Table.row([
            "\(count)", "\(Int(own.perSecond))", Table.decimal(own.microsecondsOfCPU), "\(Int(bound))",
            Table.decimal(own.perSecond / bound),
          ]))
      }
    }
    try await serving.shutdownGracefully()
    try await loading.shutdownGracefully()
  }

  private static func measure(
    _ node: BenchmarkNode, _ group: any EventLoopGroup, connections: Int, for duration: Duration
  ) async throws -> Measurement {
    let run = LoadConnection.Run()
    let body = ByteBuffer(string: #"{"text":"\#(String(repeating: "x", count: 200))"}"#)
    let (path, authorization) = (node.path + "/messages", node.authorization)
    let result = try await Measurement.take {
      var open: [any Channel] = []
      for _ in 0..<connections {
        open.append(
          try await LoadConnection.open(group, port: node.port) {
            LoadConnection(path, authorization: authorization, body: body, run: run)
          })
      }
      // The length of the measurement.
      try await Task.sleep(for: duration)
      run.isOver.store(true, ordering: .relaxed)
      for channel in open { try await channel.closeFuture.get() }
      return run.answered.load(ordering: .relaxed)
    }
    guard run.failed.load(ordering: .relaxed) == 0 else { throw FixtureError("The node refused requests.") }
    return result
  }
}
