import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RedisClient
import ServiceLifecycle
import TestSupport

/// How long commands of a test wait for the first connection: a busy machine can need more than the default second.
let patience = Duration.seconds(60)

/// Runs a client against a server while `body` runs; both end with it.
func withClient<Value: Sendable>(
  _ configuration: RedisClientConfiguration, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
  _ body: @Sendable (RedisClient) async throws -> Value
) async throws -> Value {
  var configuration = configuration
  if configuration.connectionWait == .seconds(1) { configuration.connectionWait = patience }
  let client = RedisClient(
    configuration: configuration, eventLoopGroup: group, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  )
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await client.run() }
    let value = try await body(client)
    tasks.cancelAll()
    return value
  }
}

/// Starts a private server and runs a client against it.
func withServerAndClient<Value: Sendable>(
  _ options: RedisServer.Options = .init(),
  group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
  configure: (inout RedisClientConfiguration) -> Void = { _ in },
  _ body: @Sendable (RedisServer, RedisClient) async throws -> Value
) async throws -> Value {
  try await withRedisServer(options) { server in
    var configuration = server.configuration
    configure(&configuration)
    return try await withClient(configuration, group: group) { client in try await body(server, client) }
  }
}

/// What a subscription heard, for tests to wait on. Sendable: behind a lock.
final class Heard: Sendable {
  private let box = NIOLockedValueBox<[RedisSubscriptionEvent]>([])
  var events: [RedisSubscriptionEvent] { box.withLockedValue { $0 } }
  var messages: [String] {
    events.compactMap { if case .message(let bytes) = $0 { String(buffer: bytes) } else { nil } }
  }
  func append(_ event: RedisSubscriptionEvent) { box.withLockedValue { $0.append(event) } }
}

/// Lets an event handler reach the subscription that it belongs to. Sendable: behind a lock.
final class SubscriptionBox: Sendable {
  private let box = NIOLockedValueBox<RedisSubscription?>(nil)
  func set(_ subscription: RedisSubscription) { box.withLockedValue { $0 = subscription } }
  func cancel() { box.withLockedValue { $0 }?.cancel() }
}
