import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Serves a fake node on a port of its own; the functions keep no state.
enum FakeNodeServer {
  /// Serves while the body runs, which is told the base URL.
  static func serve<Result: Sendable>(
    _ node: FakeNode, _ body: @escaping @Sendable (String) async throws -> Result
  ) async throws -> Result {
    typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    // A task of its own for each connection from its very start: one that was accepted but never served would trap.
    let connections = Mutex<[Task<Void, Never>]>([])
    let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          let connection = try Connection(wrappingChannelSynchronously: channel)
          let handling = Task { () -> Void in try? await handle(connection, node) }
          connections.withLock { $0.append(handling) }
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let result: Swift.Result<Result, any Error>
    do {
      result = .success(try await body("http://127.0.0.1:\(server.localAddress?.port ?? 0)"))
    } catch {
      result = .failure(error)
    }
    node.loseStreams()
    try? await server.close()
    for handling in connections.withLock({ $0 }) {
      handling.cancel()
      await handling.value
    }
    return try result.get()
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
