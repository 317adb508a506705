import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOPosix

/// Hummingbird's HTTP/1 channel with each connection's task pinned to the connection's event loop, and with the
/// handlers that bound what a peer may do before a request is complete. A value.
///
/// The pipeline, from the socket: `WireHandler`, HTTP encoder and decoder, `RequestGuard`, then Hummingbird's own.
struct PinnedHTTP1Channel: ServerChildChannel {
  typealias Value = AcceptedConnection

  private let http1: HTTP1Channel
  private let executors: EventLoopExecutors
  private let limits: RequestGuardStateMachine.Limits
  private let metrics: ConnectionMetrics

  init(
    limits: RequestGuardStateMachine.Limits, executors: EventLoopExecutors, metrics: ConnectionMetrics,
    responder: @escaping HTTPChannelHandler.Responder
  ) {
    var configuration = HTTP1Channel.Configuration()
    configuration.httpDecoder = .init(
      maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes, maxHeaderFieldCount: 256)
    self.http1 = HTTP1Channel(responder: responder, configuration: configuration)
    self.executors = executors
    self.limits = limits
    self.metrics = metrics
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    http1.setup(channel: channel, logger: logger).map(AcceptedConnection.init).flatMapThrowing { connection in
      let wire = WireHandler()
      let codec = try channel.pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self).handler
      try channel.pipeline.syncOperations.addHandler(wire, position: .first)
      try channel.pipeline.syncOperations.addHandler(
        RequestGuard(limits: limits, wire: wire, metrics: metrics, logger: logger), position: .before(codec))
      setSocketOptions(channel)
      return connection
    }
  }

  func handle(value: Value, logger: Logger) async {
    metrics.opened()
    defer { metrics.closed() }
    let connection = value.take()
    guard let executor = executors[connection.channel.eventLoop] else {
      return await http1.handle(value: connection, logger: logger)
    }
    await withTaskExecutorPreference(executor) {
      await http1.handle(value: connection, logger: logger)
    }
  }

  /// A peer that vanished without a FIN is noticed by the kernel: idle ones by keep-alive probes, those we write to
  /// by unacknowledged data. Neither option exists on a Unix socket, where a peer cannot vanish, so failures are fine.
  private func setSocketOptions(_ channel: any Channel) {
    guard let options = channel.syncOptions else { return }
    try? options.setOption(.socketOption(.so_keepalive), value: 1)
    try? options.setOption(.tcpOption(.tcp_nodelay), value: 1)
    #if os(Linux)
      let userTimeout = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 18))  // TCP_USER_TIMEOUT
      try? options.setOption(userTimeout, value: 30_000)
      let keepIdle = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 4))  // TCP_KEEPIDLE
      try? options.setOption(keepIdle, value: 60)
    #endif
  }
}
