import EventStreaming
import HTTPGateway
import Logging
import NIOCore
import NIOPosix
import RedisClient
import SharedSessions
import TestSupport

/// A node in this process, and one shared session on it. Immutable.
struct BenchmarkNode: Sendable {
  let port: Int
  let redis: RedisServer
  let client: RedisClient
  let domain: SharedSessionsDomain
  let streams: EventStreams
  let sessionID: String
  let host: ParticipantCredentials

  /// Where the session is.
  var path: String { "/api/shared-sessions/\(sessionID)" }
  /// The host's `Authorization`.
  var authorization: String { "Bearer \(host.participantID).\(host.token)" }

  /// Runs `body` with a node on one event loop.
  static func with(
    on group: any EventLoopGroup, _ body: @escaping @Sendable (BenchmarkNode) async throws -> Void
  ) async throws {
    let server = try await RedisServer()
    defer { server.stop() }
    let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    let redis = RedisClient(configuration: server.configuration, eventLoopGroup: group, logger: logger)
    var settings = SharedSessionSettings()
    settings.maximumMessages = 10_000_000
    let domain = SharedSessionsDomain(redis: redis, settings: settings, logger: logger)
    var configuration = GatewayConfiguration()
    configuration.port = 0
    configuration.streams.streamsPerParticipant = 100_000
    let streams = EventStreams(
      settings: configuration.streams, domain: domain, redis: redis, eventLoopGroup: group, logger: logger)
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let gateway = HTTPGateway(
      configuration: configuration, domain: domain, streams: streams,
      operations: Operations(version: "benchmark", probe: { _ in }, metrics: { ByteBuffer() }),
      eventLoopGroup: group, logger: logger
    ) { address in listening.yield(address.port ?? 0) }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await redis.run() }
      tasks.addTask { try await gateway.run() }
      defer { tasks.cancelAll() }
      guard let port = await ports.first(where: { _ in true }) else { throw FixtureError("The node does not listen.") }
      let (sessionID, host) = try await share(domain)
      try await body(
        BenchmarkNode(
          port: port, redis: server, client: redis, domain: domain, streams: streams, sessionID: sessionID,
          host: host))
    }
  }

  private static func share(_ domain: SharedSessionsDomain) async throws -> (String, ParticipantCredentials) {
    _ = try await domain.hostSessions.register(RegisterHostSession(userID: "u", hostSessionID: "h"))
    let created = try await domain.sessions.create(CreateSession(hostSessionID: "h", hostUserID: "u"))
    let text = String(buffer: created)
    func field(_ name: String, after mark: String) throws -> String {
      guard let place = text.firstRange(of: "\"\(mark)\":{"),
        let value = text[place.upperBound...].firstRange(of: "\"\(name)\":\"")
      else { throw FixtureError("No \(name) in \(text)") }
      return String(text[value.upperBound...].prefix { $0 != "\"" })
    }
    return (
      try field("id", after: "session"),
      ParticipantCredentials(
        participantID: try field("id", after: "hostParticipant"),
        token: try field("accessToken", after: "hostParticipant"))
    )
  }
}
