import EventStreaming
import HTTPGateway
import JSONText
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
  private let invite: String
  private let hostToken: String

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
      operations: Operations(version: "benchmark", probe: { _ in 0 }, metrics: { ByteBuffer() }),
      eventLoopGroup: group, logger: logger
    ) { address in listening.yield(address.port ?? 0) }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await redis.run() }
      tasks.addTask { try await gateway.run() }
      defer { tasks.cancelAll() }
      guard let port = await ports.first(where: { _ in true }) else { throw FixtureError("The node does not listen.") }
      let registered = try await domain.hostSessions.register(RegisterHostSession(userID: "u", hostSessionID: "h"))
      let (sessionID, host, invite) = try await share(domain, hostSessionID: "h")
      try await body(
        BenchmarkNode(
          port: port, redis: server, client: redis, domain: domain, streams: streams, sessionID: sessionID,
          host: host, invite: invite, hostToken: try field("hostToken", of: registered.body)))
    }
  }

  /// Adds somebody to the session.
  func join(_ userID: String, role: Role) async throws -> ParticipantCredentials {
    let joined = try await domain.sessions.join(
      sessionID, JoinSession(inviteToken: invite, userID: userID, role: role))
    return ParticipantCredentials(
      participantID: try Self.field("id", of: joined, after: "participant"),
      token: try Self.field("accessToken", of: joined, after: "participant"))
  }

  /// Publishes what the agent says, in one step.
  func notify(_ notifications: [JSONText]) async throws {
    _ = try await domain.hostSessions.notify("h", token: hostToken, notifications: notifications)
  }

  /// Shares a host session, which is registered where it is not.
  static func share(
    _ domain: SharedSessionsDomain, hostSessionID: String
  ) async throws -> (id: String, host: ParticipantCredentials, invite: String) {
    _ = try? await domain.hostSessions.register(RegisterHostSession(userID: "u", hostSessionID: hostSessionID))
    let created = try await domain.sessions.create(CreateSession(hostSessionID: hostSessionID, hostUserID: "u"))
    return (
      try field("id", of: created, after: "session"),
      ParticipantCredentials(
        participantID: try field("id", of: created, after: "hostParticipant"),
        token: try field("accessToken", of: created, after: "hostParticipant")),
      try field("inviteToken", of: created)
    )
  }

  /// The first text of a name in a reply, behind the beginning of an object.
  private static func field(_ name: String, of reply: ByteBuffer, after mark: String? = nil) throws -> String {
    let text = String(buffer: reply)
    let start = mark.map { text.firstRange(of: "\"\($0)\":{")?.upperBound } ?? text.startIndex
    guard let start, let value = text[start...].firstRange(of: "\"\(name)\":\"") else {
      throw FixtureError("No \(name) in \(text)")
    }
    return String(text[value.upperBound...].prefix { $0 != "\"" })
  }
}
