import EventStreaming
import Logging
import NIOCore
import NIOPosix
import RedisClient
import ServiceLifecycle
import SharedSessions
import Synchronization
import TestSupport

@testable import HTTPGateway

/// A gateway on a free port, with a Redis of its own. Sendable and immutable.
struct GatewayFixture: Sendable {
  let port: Int
  let redis: RedisServer
  let streams: EventStreams
  let routes: [Route]
  private let client: RedisClient
  private let services: ServiceGroup

  init(
    port: Int, redis: RedisServer, client: RedisClient, streams: EventStreams, routes: [Route], services: ServiceGroup
  ) {
    (self.port, self.redis, self.client, self.streams) = (port, redis, client, streams)
    (self.routes, self.services) = (routes, services)
  }

  /// Sends a command to the gateway's Redis, as somebody else would.
  func command(_ name: String, _ key: String, _ more: RedisArgument...) async throws {
    _ = try await client.send(RedisCommand(name, arguments: [.string(key)] + more), key: key)
  }

  /// Asks the gateway to drain, as SIGTERM does.
  func shutDown() async {
    await services.triggerGracefulShutdown()
  }

  /// Sends one request on a connection of its own and gives the reply.
  func call(
    _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
  ) async throws -> HTTPReply {
    let connection = try await RawConnection.open(port: port)
    defer { Task { try? await connection.close() } }
    try await connection.send(Self.request(method, path, body, headers: headers))
    return try await connection.reply(hasBody: method != "HEAD")
  }

  /// The bytes of one request, for `localhost` unless the headers say otherwise.
  static func request(
    _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
  ) -> String {
    var headers = headers
    var text = "\(method) \(path) HTTP/1.1\r\nHost: \(headers.removeValue(forKey: "Host") ?? "localhost")\r\n"
    if let body {
      headers["Content-Length"] = headers["Content-Length"] ?? String(body.utf8.count)
      headers["Content-Type"] = headers["Content-Type"] ?? "application/json"
    }
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    return text + "\r\n" + (body ?? "")
  }
}

/// Runs `body` with a gateway, and stops everything afterwards.
///
/// - Parameter logger: of everything on the node.
func withGateway(
  _ configure: (inout GatewayConfiguration) -> Void = { _ in },
  settings: SharedSessionSettings = SharedSessionSettings(),
  logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
  _ body: @escaping @Sendable (GatewayFixture) async throws -> Void
) async throws {
  var configuration = GatewayConfiguration()
  configuration.port = 0
  configure(&configuration)
  let server = try await RedisServer()
  defer { server.stop() }
  let group = MultiThreadedEventLoopGroup.singleton
  let redis = RedisClient(configuration: server.configuration, eventLoopGroup: group, logger: logger)
  let domain = SharedSessionsDomain(redis: redis, settings: settings, logger: logger)
  let streams = EventStreams(
    settings: configuration.streams, domain: domain, redis: redis, eventLoopGroup: group, jitter: { _ in 1 },
    logger: logger)
  let port = Mutex<Int?>(nil)
  let gateway = HTTPGateway(
    configuration: configuration, domain: domain, streams: streams,
    operations: Operations(
      version: "0.0.1-test", probe: { limit in try await redis.probe(within: limit).failedShare },
      metrics: { ByteBuffer(string: "tandem_test 1\n") }),
    eventLoopGroup: group, logger: logger,
    onListening: { address in port.withLock { $0 = address.port } })
  let services = ServiceGroup(
    configuration: ServiceGroupConfiguration(
      services: [.init(service: gateway, successTerminationBehavior: .gracefullyShutdownGroup)], logger: logger))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await redis.run() }
    tasks.addTask { try await domain.run() }
    tasks.addTask { try await services.run() }
    let fixture = GatewayFixture(
      port: try await eventually("the gateway listens") { port.withLock { $0 } }, redis: server, client: redis,
      streams: streams,
      routes: gateway.routes, services: services)
    defer { tasks.cancelAll() }
    try await body(fixture)
  }
}
