import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport

/// A TCP port behind which the server can be changed, as a name's address is in a failover: connections that exist stay where
/// they are, new ones go to the new server.
///
/// Sendable: the target is behind a lock.
final class Forwarder: Sendable {
  let port: Int
  private let listener: any Channel
  private let target: NIOLockedValueBox<Int>

  /// A forwarder to a port of 127.0.0.1.
  init(to target: Int) async throws {
    let box = NIOLockedValueBox(target)
    self.target = box
    listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = Half()
          try channel.pipeline.syncOperations.addHandler(handler)
          ClientBootstrap(group: channel.eventLoop)
            .channelInitializer { other in
              other.eventLoop.makeCompletedFuture { try other.pipeline.syncOperations.addHandler(Half(channel)) }
            }
            .connect(host: "127.0.0.1", port: box.withLockedValue { $0 }).assumeIsolated()
            .whenComplete { result in
              switch result {
              case .success(let other): handler.join(other)
              case .failure: channel.close(promise: nil)
              }
            }
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    guard let port = listener.localAddress?.port else { throw FixtureError("The system gave no port.") }
    self.port = port
  }

  /// From now on new connections go there.
  func turn(to port: Int) { target.withLockedValue { $0 = port } }

  func stop() async throws { try await listener.close() }

  /// One end of a connection: what it reads is written to the other. Confined to the event loop of both.
  private final class Half: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var other: (any Channel)?
    private var waiting: [ByteBuffer] = []

    init(_ other: (any Channel)? = nil) { self.other = other }

    func join(_ other: any Channel) {
      self.other = other
      for bytes in waiting { other.writeAndFlush(bytes, promise: nil) }
      waiting = []
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = unwrapInboundIn(data)
      if let other { other.writeAndFlush(bytes, promise: nil) } else { waiting.append(bytes) }
    }

    func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }
  }
}
