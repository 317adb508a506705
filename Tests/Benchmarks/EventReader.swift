import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// Bound to its event loop; counts the events that arrive on one stream.
final class EventReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// What all readers of a run have received. Sendable: atomics, and a stream that wakes the one who waits.
  final class Received: Sendable {
    let events = Atomic(0)
    private let target = Atomic(Int.max)
    private let reached: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init() {
      (reached, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ count: Int) {
      let total = events.add(count, ordering: .sequentiallyConsistent).newValue
      if total >= target.load(ordering: .sequentiallyConsistent) { wake.yield() }
    }

    /// Waits until so many have been received.
    func wait(for count: Int) async throws {
      target.store(count, ordering: .sequentiallyConsistent)
      defer { target.store(.max, ordering: .sequentiallyConsistent) }
      var iterator = reached.makeAsyncIterator()
      while events.load(ordering: .sequentiallyConsistent) < count { await iterator.next() }
    }
  }

  private let request: ByteBuffer?
  private let received: Received
  /// The last bytes of what came before, in which an event's first line may begin.
  private var lineStart: [UInt8] = []
  private var isAtLineStart = true

  init(request: ByteBuffer?, received: Received) {
    (self.request, self.received) = (request, received)
  }

  func channelActive(context: ChannelHandlerContext) {
    if let request { context.writeAndFlush(wrapOutboundOut(request), promise: nil) }
  }

  /// Every kept event has one line that begins with `id`.
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var count = 0
    var view = unwrapInboundIn(data).readableBytesView[...]
    while !view.isEmpty {
      if isAtLineStart {
        while lineStart.count < 2, let byte = view.first, byte != UInt8(ascii: "\n") {
          lineStart.append(byte)
          view.removeFirst()
        }
        if lineStart == [UInt8(ascii: "i"), UInt8(ascii: "d")] { count += 1 }
        if lineStart.count < 2, view.isEmpty { break }
        isAtLineStart = false
      }
      guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else { break }
      view = view[(end + 1)...]
      isAtLineStart = true
      lineStart.removeAll(keepingCapacity: true)
    }
    if count > 0 { received.add(count) }
  }

  /// Connects one reader; with a request it waits until its stream is open.
  @discardableResult
  static func open(
    _ group: any EventLoopGroup, port: Int, request: ByteBuffer?, _ received: Received
  ) async throws -> any Channel {
    try await ClientBootstrap(group: group).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(EventReader(request: request, received: received))
      }
    }.connect(host: "127.0.0.1", port: port).get()
  }
}

/// A server that writes the same bytes to all its connections and does nothing else: the bound. Sendable: its
/// connections are only touched on its one event loop.
final class RawServer: Sendable {
  /// As large as a `message_created` event of the benchmark.
  static let frame = "id: 1700000000000-0\ndata: \(String(repeating: "x", count: 560))\n\n"

  let port: Int
  private let eventLoop: any EventLoop
  private let channels: NIOLoopBoundBox<[any Channel]>

  private init(port: Int, eventLoop: any EventLoop, channels: NIOLoopBoundBox<[any Channel]>) {
    (self.port, self.eventLoop, self.channels) = (port, eventLoop, channels)
  }

  static func start(on group: any EventLoopGroup) async throws -> RawServer {
    let eventLoop = group.next()
    let channels = NIOLoopBoundBox<[any Channel]>.makeBoxSendingValue([], eventLoop: eventLoop)
    let listener = try await ServerBootstrap(group: eventLoop).serverChannelOption(.backlog, value: 1_024)
      .childChannelInitializer { channel in
        channels.value.append(channel)
        return channel.eventLoop.makeSucceededVoidFuture()
      }.bind(host: "127.0.0.1", port: 0).get()
    return RawServer(port: listener.localAddress?.port ?? 0, eventLoop: eventLoop, channels: channels)
  }

  /// How many connections there are.
  func count() async throws -> Int {
    try await eventLoop.submit { [channels] in channels.value.count }.get()
  }

  /// Writes to every connection.
  func write(_ bytes: ByteBuffer) {
    eventLoop.execute { [channels] in
      for channel in channels.value { channel.writeAndFlush(bytes, promise: nil) }
    }
  }
}
