import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Bound to its event loop; sends the same request again as soon as the answer to the last one is complete.
final class LoadConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  /// What all connections of a run share. Sendable: atomics only.
  final class Run: Sendable {
    let answered = Atomic(0)
    let failed = Atomic(0)
    let isOver = Atomic(false)
  }

  private let head: HTTPRequestHead
  private let body: ByteBuffer
  private let run: Run

  init(_ path: String, authorization: String, body: ByteBuffer, run: Run) {
    var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: path)
    head.headers = [
      "host": "localhost", "authorization": authorization, "content-type": "application/json",
      "content-length": "\(body.readableBytes)",
    ]
    (self.head, self.body, self.run) = (head, body, run)
  }

  func channelActive(context: ChannelHandlerContext) { send(context) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): if head.status.code >= 300 { run.failed.add(1, ordering: .relaxed) }
    case .body: break
    case .end:
      run.answered.add(1, ordering: .relaxed)
      if run.isOver.load(ordering: .relaxed) { context.close(promise: nil) } else { send(context) }
    }
  }

  private func send(_ context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  /// Connects and begins.
  static func open(
    _ group: any EventLoopGroup, port: Int, make: @escaping @Sendable () -> LoadConnection
  ) async throws -> any Channel {
    try await ClientBootstrap(group: group).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        try channel.pipeline.syncOperations.addHandler(make())
      }
    }.connect(host: "127.0.0.1", port: port).get()
  }
}
