import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// A connection that sends bytes as given and keeps all that come back. Sendable: what arrives is behind a mutex.
final class RawConnection: Sendable {
  private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    struct State {
      var bytes = ByteBuffer()
      var hasEnded = false
    }

    let state = Mutex(State())

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = unwrapInboundIn(data)
      state.withLock { _ = $0.bytes.writeImmutableBuffer(bytes) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case .inputClosed? = event as? ChannelEvent { state.withLock { $0.hasEnded = true } }
      context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
      state.withLock { $0.hasEnded = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }

  private let channel: any Channel
  private let collector: Collector

  private init(channel: any Channel, collector: Collector) {
    self.channel = channel
    self.collector = collector
  }

  /// Connects to a port of 127.0.0.1.
  ///
  /// - Parameter receiveBuffer: the kernel's receive buffer, to make a slow reader's backlog small.
  static func open(port: Int, receiveBuffer: Int? = nil) async throws -> RawConnection {
    let collector = Collector()
    var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { $0.pipeline.addHandler(collector) }
    if let receiveBuffer {
      bootstrap = bootstrap.channelOption(
        .socketOption(.so_rcvbuf), value: ChannelOptions.Types.SocketOption.Value(receiveBuffer))
    }
    return RawConnection(
      channel: try await bootstrap.connect(host: "127.0.0.1", port: port).get(), collector: collector)
  }

  /// Everything that has arrived.
  var received: String { collector.state.withLock { String(buffer: $0.bytes) } }
  /// The bytes that have arrived.
  var receivedCount: Int { collector.state.withLock { $0.bytes.readableBytes } }
  /// Whether the other side will send nothing more.
  var hasEnded: Bool { collector.state.withLock { $0.hasEnded } }

  func send(_ text: String) async throws {
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  /// Starts or stops taking bytes off the socket.
  func setReading(_ isReading: Bool) async throws {
    try await channel.setOption(.autoRead, value: isReading).get()
    if isReading { channel.read() }
  }

  /// Says that nothing more will be sent, and keeps reading.
  func closeOutput() async throws {
    try await channel.close(mode: .output)
  }

  func close() async throws {
    try await channel.close()
  }

  /// Waits until a text has arrived.
  func expect(_ text: String, times: Int = 1) async throws {
    try await eventually("\(times) of '\(text)' in: \(received.prefix(2000))") {
      received.components(of: text) >= times
    }
  }

  /// Waits until the other side has said that it sends nothing more.
  func expectEnd() async throws {
    try await eventually("the end of the connection") { hasEnded }
  }
}

extension String {
  /// How often a text occurs.
  func components(of text: String) -> Int {
    var (count, rest) = (0, self[...])
    while let range = rest.firstRange(of: text) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
