import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves a fake node on a port of its own; the functions keep no state.
enum FakeNodeServer {
  /// Serves while the body runs, which is told the base URL.
  static func serve<Result: Sendable>(
    _ node: FakeNode, _ body: @escaping @Sendable (String) async throws -> Result
  ) async throws -> Result {
    typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          return try Connection(wrappingChannelSynchronously: channel)
        }
      }
    let port = server.channel.localAddress?.port ?? 0
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await server.executeThenClose { connections in
          try await withThrowingDiscardingTaskGroup { group in
            for try await connection in connections {
              group.addTask { try? await handle(connection, node) }
            }
          }
        }
      }
      let result = try await body("http://127.0.0.1:\(port)")
      node.loseStreams()
      group.cancelAll()
      return result
    }
  }

  private static func handle(
    _ connection: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>, _ node: FakeNode
  ) async throws {
    try await connection.executeThenClose { inbound, outbound in
      var head: HTTPRequestHead?
      var body = ByteBuffer()
      for try await part in inbound {
        switch part {
        case .head(let received):
          head = received
          body.clear()
        case .body(let piece): body.writeImmutableBuffer(piece)
        case .end:
          guard let request = head else { return }
          switch node.answer(request, body) {
          case .nothing: return
          case .json(let status, let text):
            let bytes = ByteBuffer(string: text)
            let headers: HTTPHeaders = ["content-type": "application/json", "content-length": "\(bytes.readableBytes)"]
            try await outbound.write(
              .head(.init(version: .http1_1, status: .init(statusCode: status), headers: headers)))
            try await outbound.write(.body(.byteBuffer(bytes)))
            try await outbound.write(.end(nil))
          case .stream(let pieces, let id):
            let headers: HTTPHeaders = ["content-type": "text/event-stream", "transfer-encoding": "chunked"]
            try await outbound.write(.head(.init(version: .http1_1, status: .ok, headers: headers)))
            for await piece in pieces { try await outbound.write(.body(.byteBuffer(piece))) }
            node.change { $0.streams[id] = nil }
            return
          }
        }
      }
    }
  }
}
