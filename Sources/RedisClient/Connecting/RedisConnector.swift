internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Opens channels to one server and takes them through TLS and the handshake. An immutable value.
struct RedisConnector: Sendable {
  let configuration: RedisClientConfiguration
  /// Where the server is.
  let place: RedisPlace
  /// Called, on any thread, when a connection was lost or could not be made.
  var onTrouble: @Sendable () -> Void = {}
  /// Called, on any thread, when fewer replicas than needed have confirmed a write.
  var onShortfall: @Sendable () -> Void = {}
  private let tls: NIOSSLContext?

  /// - Throws: `RedisError` when the certificates to trust cannot be read.
  init(_ configuration: RedisClientConfiguration, place: RedisPlace) throws(RedisError) {
    self.configuration = configuration
    self.place = place
    tls = try configuration.tls.map { tls throws(RedisError) in try Self.makeContext(tls) }
  }

  /// A connector to one server that stays where it is, and tells of its replicas itself.
  init(_ configuration: RedisClientConfiguration, endpoint: RedisEndpoint) throws(RedisError) {
    try self.init(configuration, place: RedisPlace(endpoint, replicas: .server))
  }

  /// The same way to another server.
  func connector(to endpoint: RedisEndpoint) -> RedisConnector {
    RedisConnector(configuration, RedisPlace(endpoint), tls)
  }

  private init(_ configuration: RedisClientConfiguration, _ place: RedisPlace, _ tls: NIOSSLContext?) {
    self.configuration = configuration
    self.place = place
    self.tls = tls
  }

  /// Connects to where the server is now.
  ///
  /// - Returns: a channel that Redis answers on, without a handler for what comes next. Its future succeeds on the event loop.
  func connect(on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
    do throws(RedisError) {
      return connect(to: try place.find(), on: eventLoop)
    } catch {
      return eventLoop.makeFailedFuture(error)
    }
  }

  private func connect(to endpoint: RedisEndpoint, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
    let ready = eventLoop.makePromise(of: Int?.self)
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(TimeAmount(configuration.connectTimeout))
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(makeTLSHandler(tls, endpoint)) }
          try channel.pipeline.syncOperations.addHandler(HandshakeHandler(configuration, completion: ready))
        }
      }
    let connecting =
      switch endpoint {
      case .host(let name, let port):
        bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: name, port: port)
      case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
      }
    return connecting.flatMapErrorThrowing { error in
      let failure = Self.unavailable(endpoint, error)
      ready.fail(failure)
      throw failure
    }.flatMap { channel in
      ready.futureResult.map { replicas in
        if let replicas { place.replicas.reported(replicas, now: eventLoop.now) }
        return channel
      }
    }
  }

  private func makeTLSHandler(_ context: NIOSSLContext, _ endpoint: RedisEndpoint) throws -> NIOSSLClientHandler {
    guard case .host(let name, _) = endpoint, (try? SocketAddress(ipAddress: name, port: 0)) == nil else {
      // Names of the kind 127.0.0.1 are no server names in TLS; they are verified against the address itself.
      return try NIOSSLClientHandler(context: context, serverHostname: nil)
    }
    return try NIOSSLClientHandler(context: context, serverHostname: name)
  }

  private static func makeContext(_ tls: RedisTLS) throws(RedisError) -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    if let file = tls.certificateAuthorityFile { configuration.trustRoots = .file(file) }
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      let place = tls.certificateAuthorityFile.map { "The certificate file \($0)" } ?? "The system's certificates"
      throw RedisError(
        code: .unavailable, message: "\(place) for the TLS connection to Redis cannot be read: \(error)",
        mayHaveRun: false)
    }
  }

  private static func unavailable(_ endpoint: RedisEndpoint, _ error: any Error) -> RedisError {
    RedisError(code: .unavailable, message: "Redis at \(endpoint) cannot be reached: \(error)", mayHaveRun: false)
  }
}
