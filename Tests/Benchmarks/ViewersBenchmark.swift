import ArgumentParser
import EventStreaming
import Foundation
import JSONText
import NIOCore
import NIOPosix
import SharedSessions
import TestSupport

/// What it costs that viewers see less, or that connections carry several sessions: an agent's tool calls delivered to as
/// many streams in each way, against plain streams that get everything.
struct ViewersBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "viewers", abstract: "Deliveries of tool calls: whole, reduced for viewers, and on combined streams.")

  @Option(help: "Seconds to measure each line.")
  var seconds: Double = 3

  @Option(help: "Connections of viewers.")
  var streams: Int = 1_000

  @Option(help: "Events published at a time; comma separated.")
  var atOnce: String = "2,16"

  @Option(help: "Sessions on each combined stream.")
  var sessions: Int = 8

  private var depths: [Int] { atOnce.split(separator: ",").map { Int($0) ?? 0 } }

  func validate() throws {
    guard seconds > 0, streams > 0, sessions > 0, !depths.isEmpty, depths.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("--seconds, --streams, --sessions and --at-once must be positive numbers.")
    }
  }

  /// One way to deliver, and how a client asks for it. A value.
  private struct Way {
    let name: String
    let updates: ViewerUpdates
    let request: String
    let sessions: Int
  }

  func run() async throws {
    let (serving, reading) = (
      MultiThreadedEventLoopGroup(numberOfThreads: 1), MultiThreadedEventLoopGroup(numberOfThreads: 1)
    )
    let (streams, depths, seconds, sessions) = (streams, depths, seconds, sessions)
    try await BenchmarkNode.with(on: serving) { node in
      let viewer = try await node.join("viewer", role: .viewer)
      var asks = ["\(node.sessionID),\(viewer.participantID).\(viewer.token)"]
      for _ in 1..<sessions {
        let (id, host, _) = try await BenchmarkNode.share(node.domain, hostSessionID: "other")
        asks.append("\(id),\(host.participantID).\(host.token)")
      }
      let plain =
        "GET \(node.path)/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(viewer.participantID).\(viewer.token)\r\n\r\n"
      let combined =
        "GET /api/streams HTTP/1.1\r\nHost: localhost\r\nTandem-Sessions: \(asks.joined(separator: " "))\r\n\r\n"
      let ways = [
        Way(name: "whole", updates: .all, request: plain, sessions: 1),
        Way(name: "reduced", updates: .reduced, request: plain, sessions: 1),
        Way(name: "\(sessions) sessions", updates: .all, request: combined, sessions: sessions),
      ]
      print("\(streams) connections: node and readers in this process, one event loop each; CPU is of both.")
      print(Table.row(["way", "at once", "deliveries/s", "CPU us each", "to whole"]))
      var whole: [Int: Double] = [:]
      for way in ways {
        let (received, channels) = try await Self.open(way, streams, node, reading)
        for depth in depths {
          let result = try await FanOutBenchmark.rounds(
            received, streams: streams, depth: depth, for: .seconds(seconds)
          ) {
            try await node.notify(Array(repeating: Self.toolCall, count: depth))
          }
          whole[depth] = whole[depth] ?? result.perSecond
          print(
            Table.row([
              way.name, "\(depth)", "\(Int(result.perSecond))", Table.decimal(result.microsecondsOfCPU),
              Table.decimal(result.perSecond / (whole[depth] ?? 1)),
            ]))
        }
        for channel in channels { try await channel.close() }
        try await eventually("all streams are over") { node.streams.openStreams == 0 }
      }
    }
    try await serving.shutdownGracefully()
    try await reading.shutdownGracefully()
  }

  /// Opens the connections of one way, and waits until nothing more comes of their beginning.
  private static func open(
    _ way: Way, _ streams: Int, _ node: BenchmarkNode, _ reading: any EventLoopGroup
  ) async throws -> (EventReader.Received, [any Channel]) {
    _ = try await node.domain.sessions.update(
      node.sessionID, credentials: node.host, mode: nil, expiresInMinutes: nil, viewerUpdates: way.updates)
    let received = EventReader.Received()
    var channels: [any Channel] = []
    for _ in 0..<streams {
      channels.append(
        try await EventReader.open(reading, port: node.port, request: ByteBuffer(string: way.request), received))
    }
    try await eventually("all streams are open") { node.streams.openStreams == streams * way.sessions }
    // A combined stream begins with an id; the first event tells that all of them have been read.
    let beginnings = way.sessions > 1 ? streams : 0
    try await node.notify([toolCall])
    try await received.wait(for: beginnings + streams)
    return (received, channels)
  }

  private static let toolCall = JSONText { message in
    message.add("jsonrpc", "2.0")
    message.add("method", "session/update")
    message.add("params") { params in
      params.add("sessionId", "s")
      params.add("update") { update in
        update.add("sessionUpdate", "tool_call")
        update.add("toolCallId", "call-1")
        update.add("title", "Read Sources/Main.swift")
        update.add("kind", "read")
        update.add("status", "completed")
        update.add("rawInput") { $0.add("path", String(repeating: "/x", count: 40)) }
      }
    }
  }
}
