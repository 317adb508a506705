import ArgumentParser
import EmbeddedRedis
import Foundation
import Logging
import NIOPosix
import RedisClient
import SharedSessions

/// `tandem inspect`: what Redis holds about one session, for operators. Reads only, and shows no tokens' digests.
struct InspectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what Redis holds about one session: keys, TTLs, events, queue, pending approvals.",
    discussion: """
      Reads Redis directly, so it works while no node runs. Takes the same settings as serve to find it.
      Status: 0 shown, 1 there is no such session, 69 Redis not reachable, 78 wrong configuration.

      \(ConfigurationDocuments.help)
      """)

  @Argument(help: "The session's id.")
  var sessionID: String

  @OptionGroup var settings: SettingsArguments

  func validate() throws {
    guard FieldRules.isIdentifier(sessionID) else {
      throw ValidationError("'\(sessionID)' is no session id: 1 to 128 letters, digits and ._:-")
    }
  }

  func run() async throws {
    ProcessLimits.prepare()
    let configuration = try settings.load()
    // Looking must not leave anything behind, not even an empty data directory.
    if configuration.redis == nil, !FileManager.default.fileExists(atPath: configuration.dataDirectory) {
      StandardError.write("tandem: there is no data directory \(configuration.dataDirectory); name one, or a Redis")
      throw ExitStatus.unavailable
    }
    var redisConfiguration: RedisClientConfiguration
    do {
      redisConfiguration = try configuration.redisClient()
      // It only reads.
      redisConfiguration.acceptsReplica = true
    } catch {
      StandardError.write("tandem: \(error)")
      throw ExitStatus.unavailable
    }
    let logger = Logger(label: "tandem.inspect") { _ in SwiftLogNoOpLogHandler() }
    let redis = RedisClient(
      configuration: redisConfiguration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    let running = Task { try await redis.run() }
    defer { running.cancel() }
    do {
      let inspection = SessionInspection(redis: redis, keys: KeyLayout(prefix: configuration.prefix))
      guard let report = try await inspection.report(sessionID) else {
        StandardError.write("tandem: there is no session \(sessionID) in Redis at \(redisConfiguration)")
        throw ExitCode.failure
      }
      print(report)
    } catch let error as RedisError {
      StandardError.write("tandem: Redis at \(redisConfiguration) cannot be read: \(error.message)")
      throw ExitStatus.unavailable
    }
  }
}
