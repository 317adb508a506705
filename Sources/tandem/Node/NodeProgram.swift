import ArgumentParser
import EmbeddedRedis
import Foundation
import Logging
import Metrics
import Observability
import ServiceLifecycle
import SharedSessions
import UnixSignals

/// A process that is a node: sets up logs and metrics, runs the node, and turns its failures into exit statuses.
///
/// Isolation: static functions, called once per process.
enum NodeProgram {
  /// Runs until a signal asks for the end and everything is drained.
  ///
  /// - Parameters:
  ///   - companions: Further services that start with the node and stop before it.
  ///   - onListening: Told once, with the address as a URL.
  /// - Throws: `ExitCode` after the reason was printed.
  static func run(
    _ configuration: TandemConfiguration, companions: [any Service] = [],
    onListening: @escaping @Sendable (String) async -> Void
  ) async throws {
    ProcessLimits.prepare()
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(PrometheusMetricsFactory(registry: registry))
    bootstrapLogging(configuration)
    let logger = Logger(label: "tandem")
    for remark in configuration.remarks { remark.log(logger) }
    do {
      let node = try Node(configuration, registry: registry, logger: logger, onListening: onListening)
      try await node.run(companions: companions)
    } catch let error as StartupError {
      StandardError.write("tandem: \(error.message)")
      throw error.status
    } catch let error as EmbeddedRedisError {
      StandardError.write("tandem: \(error.message)")
      throw ExitStatus.unavailable
    }
  }

  private static func bootstrapLogging(_ configuration: TandemConfiguration) {
    switch configuration.logFormat {
    case .json:
      LoggingSystem.bootstrap { label in
        var handler = JSONLogHandler(label: label, output: .standardError)
        handler.logLevel = configuration.logLevel
        handler.metadataProvider = RequestID.metadata
        return handler
      }
    case .text:
      LoggingSystem.bootstrap { label in
        var handler = StreamLogHandler.standardError(label: label, metadataProvider: RequestID.metadata)
        handler.logLevel = configuration.logLevel
        return handler
      }
    }
  }
}

/// Why a node ended that should not have.
///
/// Isolation: an immutable value.
struct StartupError: Error, Sendable {
  /// The process's exit status.
  let status: ExitCode
  /// A sentence for the person who started it.
  let message: String

  init(status: ExitCode, message: String) {
    self.status = status
    self.message = message
  }

  /// What the check of the data's layout found: data of another version is for whoever configures to move away, while a
  /// Redis that gives no answer may give one later.
  init(layout error: SharedSessionError, redis: String) {
    let isPassing = [503, 504].contains(error.code.status)
    self.init(
      status: isPassing ? ExitStatus.unavailable : ExitStatus.configuration,
      message: isPassing
        ? "Redis at \(redis) cannot be used: \(error.message)" : "the data in Redis at \(redis): \(error.message)")
  }
}

/// The signals that end a node.
///
/// Isolation: pure functions.
enum EndingSignals {
  /// SIGTERM, SIGINT, and the hangup of a closed terminal, except under `nohup`, which is there to survive it.
  static var all: [UnixSignal] {
    var action = sigaction()
    sigaction(SIGHUP, nil, &action)
    #if canImport(Darwin)
      let handler = action.__sigaction_u.__sa_handler
    #else
      let handler = action.__sigaction_handler.sa_handler
    #endif
    // Handlers are functions; the two that are none are the numbers 0 (default) and 1 (ignored).
    let isIgnored = unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    return isIgnored ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
  }
}

/// What the process asks of the system before it serves.
///
/// Isolation: static functions, called once per process.
enum ProcessLimits {
  /// Allows as many open files as the system lets this user have, and lets a write to a closed pipe be an error instead
  /// of the end.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    var limit = rlimit()
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(resource, &limit)
  }
}
