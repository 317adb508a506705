import AgentClientProtocol
public import AsyncHTTPClient
internal import Basics
import Foundation
import JSONText
public import Logging
internal import Observability
public import ServiceLifecycle
import Synchronization

/// Shares an agent: the engine of `tandem host`; safe to share, its parts synchronise themselves.
///
/// It starts the agent, registers a host session, opens a shared session and then, until it is told to stop or the
/// session ends, takes dispatches from any node, runs them on the agent and publishes what the agent says. Loss of a
/// node or of every connection interrupts nothing on the agent's side; what was not published yet waits, within bounds.
public final class HostBridge: Service {
  let configuration: BridgeConfiguration
  let observer: any HostObserver
  let logger: Logger
  let api: HostAPI
  let ending = Latch()
  let redactor: Redactor
  /// Names this process to the nodes, which tell by it a bridge that comes back from a new one.
  let bridgeID = UUID().uuidString.lowercased()

  /// A bridge that has not begun.
  public init(
    configuration: BridgeConfiguration, observer: any HostObserver, http: HTTPClient, logger: Logger
  ) {
    self.configuration = configuration
    self.observer = observer
    self.logger = logger
    redactor = Redactor(configuration.secrets)
    api = HostAPI(
      client: NodeClient(servers: configuration.servers, apiKey: configuration.apiKey, http: http, logger: logger))
  }

  /// Ends sharing: the running turn is stopped, the session closed, the agent ended. `run()` returns when it is done.
  public func stop() {
    ending.set()
  }

  /// Shares until `stop()`, a graceful shutdown or the end of the session.
  ///
  /// - Throws: `BridgeError` when the agent or the servers can't be used.
  public func run() async throws {
    try await withGracefulShutdownHandler {
      try await share()
    } onGracefulShutdown: {
      self.stop()
    }
  }

  private func share() async throws {
    let relay = AgentRelay()
    let supervisor = AgentSupervisor(
      configuration: configuration.agentWithTools, handler: relay, conversation: configuration.conversation,
      cancelGrace: configuration.cancelTimeout, logger: logger)
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { await supervisor.run() }
      let begun: (HostAPI.HostSession, SharedSession)
      do {
        begun = try await begin(supervisor, relay)
      } catch {
        await supervisor.stop()
        // Nothing was registered that could be gone on with.
        if let journal = configuration.journal, journal.record.host == nil { journal.remove() }
        // Whoever stops while it begins wants no error.
        if ending.isSet { return }
        throw error
      }
      let failure = await serve(begun.0, begun.1, supervisor, relay)
      if await close(api.delete(begun.0), orFindGone: true) { configuration.journal?.remove() }
      await supervisor.stop()
      if let failure, failure != .stopped { throw BridgeError(failure) }
    }
  }

  // MARK: - Beginning and end

  /// Starts the agent first: nothing is shared that can't be.
  private func begin(
    _ supervisor: AgentSupervisor, _ relay: AgentRelay
  ) async throws -> (HostAPI.HostSession, SharedSession) {
    try await withThrowingTaskGroup(of: (HostAPI.HostSession, SharedSession)?.self) { group in
      group.addTask {
        await self.ending.wait()
        if self.ending.isSet { await supervisor.stop() }
        return nil
      }
      group.addTask {
        do throws(AgentError) {
          try await supervisor.start()
        } catch {
          throw BridgeError(.agent, error.message)
        }
        return try await self.open(relay)
      }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw CancellationError()
    }
  }

  /// Asks a few times.
  func attempt(_ call: NodeClient.Call) async throws -> JSONText {
    var backoff = Backoff(first: .milliseconds(250), longest: .seconds(2))
    var tries = 0
    while true {
      do {
        return try await api.client.send(call)
      } catch {
        tries += 1
        guard error.isPassing, tries < max(5, configuration.servers.count * 2) else { throw BridgeError(error) }
        try await Task.sleep(for: backoff.next())
      }
    }
  }

  /// Closes what was opened, as far as a server can be reached in a few seconds.
  ///
  /// - Parameter isGone: whether a refusal counts, too: there is nothing to close.
  /// - Returns: whether it was done.
  private func close(_ call: NodeClient.Call, orFindGone isGone: Bool = false) async -> Bool {
    let isClosed = Latch()
    await withinStopTimeout { [api, logger] in
      do throws(NodeError) {
        _ = try await api.client.insist(on: call)
        isClosed.set()
      } catch {
        logger.debug("closing was refused", metadata: [LogKey.error: "\(error)"])
        if isGone, case .refused = error { isClosed.set() }
      }
    }
    return isClosed.isSet
  }

  private func withinStopTimeout(_ body: @escaping @Sendable () async -> Void) async {
    let timeout = configuration.stopTimeout
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await body() }
      group.addTask { try? await Task.sleep(for: timeout) }
      await group.next()
      group.cancelAll()
    }
  }

  // MARK: - While it is shared

  /// Works until it is told to stop, the session has ended or a node refuses for good; then closes the session.
  private func serve(
    _ host: HostAPI.HostSession, _ session: SharedSession, _ supervisor: AgentSupervisor, _ relay: AgentRelay
  ) async -> NodeError? {
    let publisher = NotificationPublisher(
      limits: configuration.notificationLimits, logger: logger, makeKey: { IdempotencyKey.make() }
    ) {
      [api] batch, key throws(NodeError) in
      _ = try await api.client.insist(on: api.publish(batch, of: host, key: key))
    }
    let runner = DispatchRunner(
      work: work(host, supervisor, publisher, relay), logger: logger,
      machine: DispatchRunnerStateMachine(begun: configuration.journal?.record.begun ?? []))
    let permissions = SessionPermissions(
      api: api, host: host, session: session, interval: configuration.permissionInterval,
      maximumOpen: configuration.agent.limits.openPermissions * 4, observer: observer)
    let desk = PermissionDesk(
      session: permissions, observer: observer, logger: logger, hidesToolCalls: configuration.filter.hidesToolCalls,
      redact: { [redactor] in redactor.redact($0) }, runningDispatch: { runner.running })
    var tools: ToolDesk
    do {
      tools = try makeTools(relay)
      tools.questions = QuestionDesk(
        session: permissions, logger: logger, redact: { [redactor] in redactor.redact($0) },
        runningDispatch: { runner.running })
    } catch {
      return .refused(status: 0, code: "NO_DIRECTORY", message: "The working directory can't be used: \(error)")
    }
    let watchEnded = Latch()
    // Whoever gets the link finds what was said before.
    if let failure = await publish(relay.takeHistory(), of: host, areReplayed: true) { return failure }
    if let failure = await publish(relay.takeEarly(), of: host, areReplayed: false) { return failure }
    await observer.sharing(session, HostControl(api: api, session: session))
    let failure = await withTaskGroup(of: NodeError?.self) { group in
      group.addTask { await Self.failure { () async throws(NodeError) in try await runner.run() } }
      group.addTask { await Self.failure { () async throws(NodeError) in try await publisher.run() } }
      group.addTask {
        await Self.failure { () async throws(NodeError) in try await self.attach(host, runner, permissions) }
      }
      group.addTask {
        await permissions.run()
        return nil
      }
      group.addTask { [tools] in
        await tools.run()
        // Without terminals there is nothing to carry, and nothing ends with that.
        if !Task.isCancelled { await self.ending.wait() }
        return nil
      }
      group.addTask {
        let failure = await Self.failure { () async throws(NodeError) in try await self.watch(session, runner) }
        watchEnded.set()
        return failure
      }
      group.addTask { [ending] in
        await ending.wait()
        return nil
      }
      if configuration.previewsViewers {
        group.addTask {
          await self.preview(session)
          // Whatever becomes of the preview, sharing goes on.
          await self.ending.wait()
          return nil
        }
      }
      await relay.begin(publisher, configuration, desk, redactor, tools) { self.report(of: $0) }
      // The first to end, ends it all.
      let failure = await group.next() ?? nil
      await stopTurn(runner, supervisor)
      // The host sees how it ends.
      if await close(api.close(session)) { await withinStopTimeout { await watchEnded.wait() } }
      group.cancelAll()
      return failure
    }
    relay.end()
    await tellRemoved()
    return failure
  }

  static func failure(of body: () async throws(NodeError) -> Void) async -> NodeError? {
    do {
      try await body()
      return nil
    } catch {
      return error
    }
  }

  /// Stops the running turn, first by asking the agent, then by ending it.
  private func stopTurn(_ runner: DispatchRunner, _ supervisor: AgentSupervisor) async {
    guard !runner.isIdle else { return runner.stop() }
    runner.stop()
    await withinStopTimeout { await runner.waitUntilIdle() }
    if !runner.isIdle {
      await supervisor.stop()
      await withinStopTimeout { await runner.waitUntilIdle() }
    }
  }
}
