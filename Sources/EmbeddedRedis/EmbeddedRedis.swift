public import Logging
import Metrics
internal import Observability
public import ServiceLifecycle
import Synchronization

/// A private redis-server in a data directory: started, watched, started again, stopped.
///
/// One process per data directory supervises it. Others that are given the same directory attach to the same server,
/// and one of them takes over when the supervisor goes away. A server that survived its supervisor is adopted.
/// Every acknowledged write is on disk: `appendfsync always`.
///
/// Isolation: immutable, except for a gate that is a mutex of its own; the supervision is one task, `run()`.
public final class EmbeddedRedis: Service, Sendable {
  private let configuration: EmbeddedRedisConfiguration
  private let logger: Logger
  private let gate = ServingGate()
  private let restarts = Counter(label: "tandem.embedded_redis.restarts")

  /// A server that starts once `run()` is called.
  public init(configuration: EmbeddedRedisConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
  }

  /// Where the server of a data directory listens, or will listen; makes the directory.
  ///
  /// - Throws: `unusableDirectory`.
  public static func socketPath(_ configuration: EmbeddedRedisConfiguration) throws(EmbeddedRedisError) -> String {
    try DataDirectory(preparing: configuration.dataDirectory).socketPath
  }

  /// Keeps the server going until the task is cancelled or a graceful shutdown is asked for, then stops it if it is
  /// this process's to stop.
  ///
  /// - Throws: `EmbeddedRedisError` when it cannot be started. Once it has served, it is started again for ever.
  public func run() async throws {
    defer { gate.open(.failure(.stoppedEarly)) }
    do {
      try await cancelWhenGracefulShutdown { try await self.supervise() }
    } catch let error as EmbeddedRedisError {
      gate.open(.failure(error))
      throw error
    } catch is CancellationError {
    }
  }

  /// Waits until the server answers for the first time; returns at once later.
  ///
  /// - Throws: `EmbeddedRedisError` when it could not be started, or was stopped before it served.
  public func waitUntilServing() async throws(EmbeddedRedisError) -> ServingRedis {
    try await gate.wait()
  }

  /// Takes or awaits the right to supervise, then supervises until cancelled.
  private func supervise() async throws {
    let directory = try DataDirectory(preparing: configuration.dataDirectory)
    var attachedTo: Int32?
    while !Task.isCancelled {
      if let lock = try DirectoryLock.acquire(directory.lockPath) {
        do {
          try await own(directory)
        } catch {
          // A start that the shutdown interrupted is no failure.
          if !Task.isCancelled { throw error }
        }
        _ = consume lock
        return
      }
      // Another process supervises. Watching for its lock is enough to notice its end, however it ends.
      if let info = await answer(directory), !info.isLoading, attachedTo != info.processIdentifier {
        attachedTo = info.processIdentifier
        publish(info, .attached, directory)
      }
      try await Task.sleep(for: configuration.watchInterval)
    }
  }

  /// Supervises: what lives is adopted first, then server after server is run.
  private func own(_ directory: DataDirectory) async throws {
    if let survivor = OrphanedServer.processIdentifier(directory) {
      try await adopt(survivor, directory)
    }
    var policy = RestartPolicy(configuration)
    var failedStarts = 0
    var hasServed = false
    while !Task.isCancelled {
      try await AppendOnlyFile.repair(directory, program: configuration.checkProgram, logger: logger)
      let process = ServerProcess(directory: directory, configuration: configuration)
      let began = ContinuousClock.now
      let served = ServedFlag()
      let outcome = try await process.run { [self] info in
        served.raise()
        publish(info, .started, directory)
      }
      if Task.isCancelled { return }
      let lastWords = process.lastLogLine() ?? ""
      let delay = policy.delay(afterRunning: ContinuousClock.now - began)
      restarts.increment()
      logger.error(
        "redis-server ended and is started again",
        metadata: [LogKey.redisOutcome: "\(outcome)", LogKey.redisLog: "\(lastWords)", LogKey.pause: "\(delay)"])
      failedStarts += 1
      hasServed = hasServed || served.isRaised
      if !hasServed && failedStarts >= configuration.firstStartAttempts {
        throw EmbeddedRedisError(
          .cannotStart,
          "redis-server does not start in \(directory.serverDirectory): \(outcome). Its log ends with: \(lastWords)")
      }
      try await Task.sleep(for: delay)
    }
  }

  /// Watches a server that survived its supervisor until it is gone. When this task is cancelled, stops it.
  private func adopt(_ identifier: Int32, _ directory: DataDirectory) async throws {
    var silentSince: ContinuousClock.Instant?
    var isPublished = false
    while OrphanedServer.isAlive(identifier, directory) {
      if Task.isCancelled {
        await OrphanedServer.stop(identifier, directory, within: configuration.stopTimeout)
        return
      }
      if let info = await answer(directory) {
        silentSince = nil
        if !isPublished && !info.isLoading {
          isPublished = true
          publish(info, .adopted, directory)
        }
      } else {
        let since = silentSince ?? ContinuousClock.now
        silentSince = since
        if ContinuousClock.now - since > configuration.answerTimeout {
          // Two servers on one append-only file would destroy it, so this one must be gone first.
          logger.error("a redis-server that gives no answer is stopped", metadata: [LogKey.redisPID: "\(identifier)"])
          await OrphanedServer.stop(identifier, directory, within: .zero)
        }
      }
      try? await Task.sleep(for: configuration.watchInterval)
    }
    if Task.isCancelled { return }
    restarts.increment()
    logger.error("redis-server ended and is started again", metadata: [LogKey.redisPID: "\(identifier)"])
  }

  private func answer(_ directory: DataDirectory) async -> RedisServerInfo? {
    await RedisServerInfo.ask(socketPath: directory.socketPath, within: .seconds(2))
  }

  private func publish(_ info: RedisServerInfo, _ origin: ServingRedis.Origin, _ directory: DataDirectory) {
    let serving = ServingRedis(
      origin: origin, socketPath: directory.socketPath, processIdentifier: info.processIdentifier,
      version: info.version)
    announce(serving)
    gate.open(.success(serving))
  }

  private func announce(_ serving: ServingRedis) {
    logger.info(
      "redis-server serves",
      metadata: [
        LogKey.redisOrigin: "\(serving.origin.rawValue)", LogKey.redisPID: "\(serving.processIdentifier)",
        LogKey.redisVersion: "\(serving.version?.description ?? "unknown")",
        LogKey.redisInspect: "\(serving.redisCLICommand)",
      ])
  }
}

/// Whether one run of the server came to serve.
///
/// Isolation: an atomic.
private final class ServedFlag: Sendable {
  private let value = Atomic(false)
  var isRaised: Bool { value.load(ordering: .acquiring) }
  func raise() { value.store(true, ordering: .releasing) }
}
