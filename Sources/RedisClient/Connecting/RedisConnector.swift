internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Opens channels to one server and takes them through TLS and the handshake. An immutable value.
struct RedisConnector: Sendable {
  let configuration: RedisClientConfiguration
  let endpoint: RedisEndpoint
  private let tls: NIOSSLContext?

  /// - Throws: `RedisError` when the certificates to trust cannot be read.
  init(_ configuration: RedisClientConfiguration, endpoint: RedisEndpoint) throws(RedisError) {
    self.configuration = configuration
    self.endpoint = endpoint
    tls = try configuration.tls.map { tls throws(RedisError) in try Self.makeContext(tls) }
  }

  /// Connects.
  ///
  /// - Returns: a channel that Redis answers on, without a handler for what comes next. Its future succeeds on the event loop.
  func connect(on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
    let ready = eventLoop.makePromise(of: Void.self)
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(TimeAmount(configuration.connectTimeout))
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(makeTLSHandler(tls)) }
          try channel.pipeline.syncOperations.addHandler(HandshakeHandler(configuration, completion: ready))
        }
      }
    let connecting =
      switch endpoint {
      case .host(let name, let port):
        bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: name, port: port)
      case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
      }
    let endpoint = endpoint
    return connecting.flatMapErrorThrowing { error in
      let failure = Self.unavailable(endpoint, error)
      ready.fail(failure)
      throw failure
    }.flatMap { channel in ready.futureResult.map { channel } }
  }

  private func makeTLSHandler(_ context: NIOSSLContext) throws -> NIOSSLClientHandler {
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
