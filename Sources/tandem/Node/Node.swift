import AgentBridge
import ArgumentParser
import EmbeddedRedis
import EventStreaming
import Foundation
import HTTPGateway
import Logging
import Metrics
import NIOCore
import NIOPosix
import Observability
import RedisClient
import ServiceLifecycle
import SharedSessions

/// One node, put together from its parts: Redis (a private one or a given one), the client, the domain, the gateway.
///
/// Isolation: immutable; each part is a service that guards itself.
struct Node: Sendable {
  private let configuration: TandemConfiguration
  private let embedded: EmbeddedRedis?
  private let redis: RedisClient
  private let domain: SharedSessionsDomain
  private let gateway: HTTPGateway
  private let logger: Logger

  /// Puts the parts together; nothing runs yet.
  ///
  /// - Throws: `EmbeddedRedisError` when the data directory cannot be used.
  init(
    _ configuration: TandemConfiguration, registry: PrometheusRegistry, logger: Logger,
    onListening: @escaping @Sendable (String) async -> Void
  ) throws {
    let group = MultiThreadedEventLoopGroup.singleton
    embedded =
      configuration.redis == nil ? EmbeddedRedis(configuration: configuration.embeddedRedis, logger: logger) : nil
    let redis = RedisClient(
      configuration: try configuration.redisClient(), eventLoopGroup: group, logger: logger)
    let domain = SharedSessionsDomain(
      redis: redis, prefix: configuration.prefix, settings: configuration.sessions, logger: logger)
    let streams = EventStreams(
      settings: configuration.gateway.streams, domain: domain, redis: redis, eventLoopGroup: group, logger: logger)
    Gauge(label: "tandem.node.info", dimensions: [("version", Build.version)]).record(1)
    let host = configuration.gateway.host
    gateway = HTTPGateway(
      configuration: configuration.gateway, domain: domain, streams: streams,
      operations: Operations(
        version: Build.version, probe: { limit in try await Self.probe(redis, within: limit) },
        metrics: { ByteBuffer(string: registry.exposition()) }),
      eventLoopGroup: group, logger: logger
    ) { address in
      let authority = host.contains(":") ? "[\(host)]" : host
      let url = "http://\(authority):\(address.port ?? 0)"
      logger.info("listening", metadata: [LogKey.address: "\(url)", LogKey.version: "\(Build.version)"])
      await onListening(url)
    }
    self.configuration = configuration
    self.redis = redis
    self.domain = domain
    self.logger = logger
  }

  /// The share of Redis's primaries that fail.
  ///
  /// - Throws: `ProbeFailure` naming the step that failed, without where Redis is.
  private static func probe(_ redis: RedisClient, within limit: Duration) async throws -> Double {
    do throws(RedisError) {
      return try await redis.probe(within: limit).failedShare
    } catch {
      guard error.message.hasPrefix("Redis failed ") else { throw error }
      throw ProbeFailure(part: String(error.message.prefix { $0 != ":" }))
    }
  }

  /// Runs until a signal asks for the end, then drains.
  ///
  /// - Parameter companions: Further services, stopped first.
  /// - Throws: `StartupError` or `EmbeddedRedisError` when the node cannot start.
  func run(companions: [any Service]) async throws {
    // Stopped in reverse order: requests end before the domain, that before the client, that before the server.
    let companions = companions.map {
      ServiceGroupConfiguration.ServiceConfiguration(service: $0, successTerminationBehavior: .ignore)
    }
    let serving = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [.init(service: domain), .init(service: gateway)] + companions, logger: logger))
    let start = RedisStartupCheck(
      embedded: embedded, redis: redis, logger: logger, layout: { try await domain.checkLayout() })
    let services: [any Service] =
      (embedded.map { [$0] } ?? []) + [
        AfterStart(service: redis) { try await start.waitForServer() },
        AfterStart(service: serving) { try await start.waitForAnswers() },
      ]
    var group = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: EndingSignals.all, logger: logger)
    // The gateway keeps to its own limit; this one is for what should never happen.
    group.maximumGracefulShutdownDuration = configuration.gateway.drainTimeout + .seconds(15)
    do {
      try await ServiceGroup(configuration: group).run()
    } catch let error as IOError {
      throw StartupError(
        status: .failure,
        message: "cannot listen on \(configuration.gateway.host) port \(configuration.gateway.port): "
          + String(cString: strerror(error.errnoCode)))
    } catch let error as BridgeError {
      throw StartupError(status: .failure, message: "the agent cannot be shared: \(error)")
    } catch let error as RedisError {
      throw StartupError(status: ExitStatus.unavailable, message: error.message)
    }
  }
}

/// Starts a service once something else is ready.
///
/// Isolation: immutable.
private struct AfterStart: Service {
  let service: any Service
  let wait: @Sendable () async throws -> Void

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { try await wait() }
    } catch is CancellationError {
      return
    }
    try await service.run()
  }
}
