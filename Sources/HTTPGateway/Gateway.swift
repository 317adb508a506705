internal import Basics
public import EventStreaming
import HummingbirdCore
public import Logging
public import NIOCore
internal import Observability
public import ServiceLifecycle
public import SharedSessions

/// One node's HTTP interface. Sendable: what changes lives in the server and the streams.
///
/// `run()` serves until the task is cancelled or a graceful shutdown is asked for. Then readiness turns red, streams are
/// ended in waves with a `retry:`, running requests finish, and after `drainTimeout` what is left is closed.
public final class HTTPGateway: Service {
  /// Every route it answers.
  let routes: [Route]
  private let configuration: GatewayConfiguration
  private let streams: EventStreams
  private let responder: Responder
  private let drainSignal: Latch
  private let eventLoopGroup: any EventLoopGroup
  private let logger: Logger
  private let onListening: @Sendable (SocketAddress) async -> Void

  /// Makes a gateway that listens once `run()` is called.
  ///
  /// - Parameters:
  ///   - domain: what the routes call; the program runs it.
  ///   - streams: this node's streams; the gateway runs them.
  ///   - operations: what `/health`, `/metrics` and `/version` answer.
  ///   - eventLoopGroup: the loops of the connections, the same as the domain's.
  ///   - onListening: told once, with the address that is listened on.
  public init(
    configuration: GatewayConfiguration, domain: SharedSessionsDomain, streams: EventStreams, operations: Operations,
    eventLoopGroup: any EventLoopGroup, logger: Logger,
    onListening: @escaping @Sendable (SocketAddress) async -> Void = { _ in }
  ) {
    let drain = Latch()
    let set = RouteSet(
      domain: domain, streams: streams,
      access: AccessControl(
        policy: configuration.access, keys: configuration.apiKeys, metrics: configuration.metricsAccess),
      rules: configuration.fieldRules, configuration: configuration, operations: operations,
      readiness: SharedProbe { try await operations.probe(configuration.probeTimeout) },
      uploads: UploadBudget(most: configuration.uploadBytes), drain: drain,
      logger: logger)
    self.configuration = configuration
    self.routes = set.all
    self.streams = streams
    self.drainSignal = drain
    self.responder = Responder(
      table: RouteTable(routes), configuration: configuration, drain: drain, logger: logger)
    self.eventLoopGroup = eventLoopGroup
    self.logger = logger
    self.onListening = onListening
  }

  /// Serves.
  ///
  /// - Throws: when the address cannot be listened on.
  public func run() async throws {
    let server = makeServer()
    // Hummingbird's server closes its listener at the first sign of a graceful shutdown, but streams have to be ended
    // and readiness to be seen red before that. A detached task does not inherit the sign; `serving` is awaited and
    // cancelled like a child below.
    let serving = Task.detached { try await server.run() }
    try await withTaskCancellationHandler {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { [streams] in await streams.run() }
        group.addTask { [self] in
          guard (try? await gracefulShutdown()) != nil else { return }
          await drain(server)
          serving.cancel()
        }
        defer { group.cancelAll() }
        try await serving.value
      }
    } onCancel: {
      serving.cancel()
    }
  }

  private func makeServer() -> Server<PinnedHTTP1Channel> {
    let responder = responder
    return Server(
      childChannelSetup: PinnedHTTP1Channel(
        limits: RequestGuardStateMachine.Limits(configuration), executors: EventLoopExecutors(group: eventLoopGroup),
        metrics: ConnectionMetrics()
      ) { request, writer, channel in
        try await responder.respond(to: request, writer: writer, channel: channel)
      },
      configuration: ServerConfiguration(
        address: .hostname(configuration.host, port: configuration.port), backlog: 1024,
        availableConnectionsDelegate: .maximum(configuration.connections, logger: logger)),
      onServerRunning: { [onListening] channel in
        guard let address = channel.localAddress else { return }
        await onListening(address)
      },
      eventLoopGroup: eventLoopGroup, logger: logger)
  }

  /// Ends the streams, then closes the listener and waits for running requests; both within `drainTimeout`.
  private func drain(_ server: Server<PinnedHTTP1Channel>) async {
    let deadline = ContinuousClock.now + configuration.drainTimeout
    drainSignal.set()
    let window = min(configuration.drainTimeout / 2, configuration.drainWindow)
    streams.drain(within: window)
    logger.info("draining", metadata: [LogKey.streams: "\(streams.openStreams)"])
    let pause = Duration.milliseconds(20)
    while streams.openStreams > 0, ContinuousClock.now + pause < deadline, !Task.isCancelled {
      try? await Task.sleep(for: pause)
    }
    // It returns when every connection has closed, which `run` sees by itself, and cannot be cancelled.
    Task { try? await server.shutdownGracefully() }
    try? await Task.sleep(until: deadline, clock: .continuous)
  }
}

extension RequestGuardStateMachine.Limits {
  fileprivate init(_ configuration: GatewayConfiguration) {
    self.init()
    uriBytes = configuration.uriBytes
    headerBytes = configuration.headerBytes
    headTimeout = TimeAmount(configuration.headTimeout)
    bodyTimeout = TimeAmount(configuration.bodyTimeout)
    lineTimeout = TimeAmount(configuration.lineTimeout)
    idleTimeout = TimeAmount(configuration.idleTimeout)
    writeTimeout = TimeAmount(configuration.writeTimeout)
  }
}
