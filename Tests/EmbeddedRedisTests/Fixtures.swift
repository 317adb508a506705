import Foundation
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import EmbeddedRedis

/// A directory that exists while `body` runs.
func withTemporaryDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
  let url = FileManager.default.temporaryDirectory.appending(path: "er-\(UUID().uuidString.prefix(8))")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  return try await body(url.resolvingSymlinksInPath().path)
}

/// Settings that make a test quick: small pauses, everything else as shipped.
func quick(_ directory: String) -> EmbeddedRedisConfiguration {
  var configuration = EmbeddedRedisConfiguration(dataDirectory: directory)
  configuration.firstRestartDelay = .milliseconds(5)
  configuration.watchInterval = .milliseconds(20)
  return configuration
}

func quietLogger() -> Logger {
  var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  logger.logLevel = .critical
  return logger
}

/// Runs the service around `body`, then stops it and waits for its end.
func withEmbeddedRedis<Value: Sendable>(
  _ configuration: EmbeddedRedisConfiguration, _ body: (ServingRedis) async throws -> Value
) async throws -> Value {
  let redis = EmbeddedRedis(configuration: configuration, logger: quietLogger())
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await redis.run() }
    do {
      let value = try await body(
        try await withDeadline("a serving redis-server") { try await redis.waitUntilServing() })
      group.cancelAll()
      try await group.waitForAll()
      return value
    } catch {
      group.cancelAll()
      throw error
    }
  }
}

/// Expects that first line of the reply.
func expectReply(
  _ expected: String, to command: String, at socketPath: String, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  let reply = try await ask(socketPath, command)
  #expect(reply == expected, "to \(command)", sourceLocation: sourceLocation)
}

/// One command, in Redis's inline form, on a connection of its own; the raw reply up to its first line end.
func ask(_ socketPath: String, _ command: String) async throws -> String {
  try await withConnection(socketPath) { send in try await send(command) }
}

/// A connection on which commands are sent one after the other.
///
/// - Parameter body: is given a function that sends one inline command and returns the reply's first line; the function
///   throws when the connection ends.
func withConnection<Value: Sendable>(
  _ socketPath: String, _ body: @escaping @Sendable ((String) async throws -> String) async throws -> Value
) async throws -> Value {
  let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .connect(unixDomainSocketPath: socketPath) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
  return try await channel.executeThenClose { inbound, outbound in
    var parts = inbound.makeAsyncIterator()
    return try await body { command in
      try await outbound.write(ByteBuffer(string: command + "\r\n"))
      var reply = ""
      while !reply.contains("\r\n") {
        guard let part = try await parts.next(isolation: #isolation) else { throw ChannelError.eof }
        reply += String(buffer: part)
      }
      return String(reply.prefix(upTo: reply.range(of: "\r\n")?.lowerBound ?? reply.endIndex))
    }
  }
}

/// Whether a process exists and has not ended.
func isRunning(_ identifier: Int32) -> Bool {
  guard kill(identifier, 0) == 0 else { return false }
  let state = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)
  return state?.split(separator: ")").last?.hasPrefix(" Z") == false
}
