import ArgumentParser
import EventStreaming
import Foundation
import NIOCore
import NIOPosix
import SharedSessions
import Synchronization
import TestSupport

/// Events delivered per second to many streams, against a plain NIO server that writes the same bytes to as many
/// connections: the bound of the loop and the kernel.
struct FanOutBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fanout", abstract: "Deliveries per second to the streams of one session.")

  @Option(help: "Seconds to measure each line.")
  var seconds: Double = 3

  @Option(help: "Streams of the session.")
  var streams: Int = 1_000

  @Option(help: "Events under way at a time; comma separated.")
  var inFlight: String = "2,16"

  private var depths: [Int] { inFlight.split(separator: ",").map { Int($0) ?? 0 } }

  func validate() throws {
    guard seconds > 0, streams > 0, !depths.isEmpty, depths.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("--seconds, --streams and --in-flight must be positive numbers.")
    }
  }

  func run() async throws {
    let (serving, reading) = (
      MultiThreadedEventLoopGroup(numberOfThreads: 1), MultiThreadedEventLoopGroup(numberOfThreads: 1)
    )
    let (streams, depths, seconds) = (streams, depths, seconds)
    try await BenchmarkNode.with(on: serving) { node in
      let received = EventReader.Received()
      let request = """
        GET \(node.path)/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: \(node.authorization)\r\n\r\n
        """
      for _ in 0..<streams {
        try await EventReader.open(reading, port: node.port, request: ByteBuffer(string: request), received)
      }
      try await eventually("all streams are open") { node.streams.openStreams == streams }
      let raw = try await RawServer.start(on: serving)
      let rawReceived = EventReader.Received()
      for _ in 0..<streams { try await EventReader.open(reading, port: raw.port, request: nil, rawReceived) }
      try await eventually("all connections are there") { try await raw.count() == streams }

      print("\(streams) streams of one session: node and readers in this process, one event loop each; CPU is of both.")
      print(Table.row(["in flight", "deliveries/s", "CPU us each", "raw NIO/s", "raw CPU us", "ratio"]))
      for depth in depths {
        let own = try await Self.rounds(received, streams: streams, depth: depth, for: .seconds(seconds)) {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<depth {
              group.addTask {
                _ = try await node.domain.sessions.postMessage(
                  node.sessionID, credentials: node.host, text: String(repeating: "x", count: 60))
              }
            }
            try await group.waitForAll()
          }
        }
        let frames = ByteBuffer(string: String(repeating: RawServer.frame, count: depth))
        let bound = try await Self.rounds(rawReceived, streams: streams, depth: depth, for: .seconds(seconds)) {
          raw.write(frames)
        }
        print(
          Table.row([
            "\(depth)", "\(Int(own.perSecond))", Table.decimal(own.microsecondsOfCPU), "\(Int(bound.perSecond))",
            Table.decimal(bound.microsecondsOfCPU), Table.decimal(own.perSecond / bound.perSecond),
          ]))
      }
    }
    try await serving.shutdownGracefully()
    try await reading.shutdownGracefully()
  }

  /// Sends `depth` events, waits until every stream has them, and so on.
  static func rounds(
    _ received: EventReader.Received, streams: Int, depth: Int, for duration: Duration,
    send: () async throws -> Void
  ) async throws -> Measurement {
    try await Measurement.take {
      let (before, end) = (received.events.load(ordering: .relaxed), ContinuousClock.now + duration)
      var expected = before
      while ContinuousClock.now < end {
        expected += streams * depth
        let target = expected
        try await send()
        try await received.wait(for: target)
      }
      return expected - before
    }
  }
}
