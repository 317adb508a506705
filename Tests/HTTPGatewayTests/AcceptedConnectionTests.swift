import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HTTPGateway

struct AcceptedConnectionTests {
  /// What a server that is cancelled does to connections it has not looked at yet; NIO's own value would trap.
  @Test func aConnectionThatIsDroppedUnservedIsClosed() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let setup = PinnedHTTP1Channel(
      limits: RequestGuardStateMachine.Limits(), executors: EventLoopExecutors(group: group),
      metrics: ConnectionMetrics()
    ) { _, _, _ in Issue.record("Nobody serves this connection.") }
    let server = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in setup.setup(channel: channel, logger: logger).map { _ in } }
      .bind(host: "127.0.0.1", port: 0).get()
    let client = try await RawConnection.open(port: #require(server.localAddress?.port))
    try await client.expectEnd()
    #expect(client.received.isEmpty)
    try await server.close()
  }
}
