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
  private let configuration: BridgeConfiguration
  private let observer: any HostObserver
  private let logger: Logger
  private let api: HostAPI
  private let ending = Latch()
  private let redactor: Redactor
  /// Names this process to the nodes, which tell by it a bridge that comes back from a new one.
  private let bridgeID = UUID().uuidString.lowercased()

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
        begun = try await begin(supervisor)
      } catch {
        await supervisor.stop()
        // Whoever stops while it begins wants no error.
        if ending.isSet { return }
        throw error
      }
      let failure = await serve(begun.0, begun.1, supervisor, relay)
      await close(api.delete(begun.0))
      await supervisor.stop()
      if let failure, failure != .stopped { throw BridgeError(failure) }
    }
  }

  // MARK: - Beginning and end

  /// Starts the agent first: nothing is shared that can't be.
  private func begin(_ supervisor: AgentSupervisor) async throws -> (HostAPI.HostSession, SharedSession) {
    try await withThrowingTaskGroup(of: (HostAPI.HostSession, SharedSession)?.self) { group in
      group.addTask {
        await self.ending.wait()
        if self.ending.isSet { await supervisor.stop() }
        return nil
      }
      group.addTask {
        let agent: AgentDescription
        do throws(AgentError) {
          agent = try await supervisor.start()
        } catch {
          throw BridgeError(.agent, error.message)
        }
        return try await self.open(agent)
      }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw CancellationError()
    }
  }

  /// Registers and opens the session. Only a few tries: somebody waits at a terminal.
  private func open(_ agent: AgentDescription) async throws -> (HostAPI.HostSession, SharedSession) {
    let name = agent.name ?? configuration.agent.command.first.map { String($0.split(separator: "/").last ?? "") }
    let registered = try await attempt(
      api.register(
        userID: configuration.userID, workspaceID: configuration.workspaceID, agentName: name.map(redactor.redact),
        agentVersion: agent.version.map(redactor.redact), sharing: configuration.sharing.rawValue,
        key: IdempotencyKey.make()))
    guard let id = registered["hostSession"]?["id"]?.string, let token = registered["hostToken"]?.string else {
      throw BridgeError(.refused, "The server's answer to the registration holds no host session.")
    }
    let host = HostAPI.HostSession(id: id, token: token)
    let shared = try await attempt(
      api.share(
        host, userID: configuration.userID, displayName: configuration.displayName, mode: configuration.mode,
        workspaceID: configuration.workspaceID, expiresInMinutes: configuration.expiresInMinutes,
        viewerUpdates: configuration.viewerUpdates, key: IdempotencyKey.make()))
    guard let sessionID = shared["session"]?["id"]?.string, let invite = shared["inviteToken"]?.string,
      let participant = shared["hostParticipant"], let participantID = participant["id"]?.string,
      let accessToken = participant["accessToken"]?.string
    else { throw BridgeError(.refused, "The server's answer holds no shared session.") }
    let session = SharedSession(
      server: configuration.servers[0], id: sessionID, inviteToken: invite, hostSessionID: id,
      hostParticipantID: participantID, hostAccessToken: accessToken)
    return (host, session)
  }

  private func attempt(_ call: NodeClient.Call) async throws -> JSONText {
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
  /// - Returns: whether it was done.
  @discardableResult
  private func close(_ call: NodeClient.Call) async -> Bool {
    let isClosed = Latch()
    await withinStopTimeout { [api, logger] in
      do {
        _ = try await api.client.insist(on: call)
        isClosed.set()
      } catch {
        logger.debug("closing was refused", metadata: [LogKey.error: "\(error)"])
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
    let runner = DispatchRunner(work: work(host, supervisor, publisher, relay), logger: logger)
    let permissions = SessionPermissions(
      api: api, host: host, session: session, interval: configuration.permissionInterval,
      maximumOpen: configuration.agent.limits.openPermissions * 4, observer: observer)
    let desk = PermissionDesk(
      session: permissions, observer: observer, logger: logger, hidesToolCalls: configuration.filter.hidesToolCalls,
      redact: { [redactor] in redactor.redact($0) }, runningDispatch: { runner.running })
    let tools: ToolDesk
    do {
      tools = try makeTools(relay)
    } catch {
      return .refused(status: 0, code: "NO_DIRECTORY", message: "The working directory can't be used: \(error)")
    }
    let watchEnded = Latch()
    // Whoever gets the link finds what was said before.
    if let failure = await publish(relay.takeHistory(), of: host) { return failure }
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
      group.addTask {
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
      await relay.begin(publisher, configuration, desk, redactor, tools)
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

  /// Publishes what was said before, ahead of everything else; until it is done or sharing is to end.
  private func publish(_ history: [AgentNotification], of host: HostAPI.HostSession) async -> NodeError? {
    guard !history.isEmpty else { return nil }
    let publisher = NotificationPublisher(
      limits: configuration.notificationLimits, logger: logger, makeKey: { IdempotencyKey.make() }
    ) {
      [api] batch, key throws(NodeError) in
      _ = try await api.client.insist(on: api.publish(batch, of: host, areReplayed: true, key: key))
    }
    return await withTaskGroup(of: NodeError?.self) { group in
      group.addTask { await Self.failure { () async throws(NodeError) in try await publisher.run() } }
      group.addTask { [ending] in
        await ending.wait()
        return nil
      }
      group.addTask { [redactor, configuration] in
        let updates = history.filter { configuration.filter.allows($0) }.flatMap { redactor.redact($0) }
        for notification in updates + redactor.finish() { await publisher.add(notification) }
        await publisher.flush()
        return nil
      }
      let failure = await group.next() ?? nil
      group.cancelAll()
      return failure
    }
  }

  private static func failure(of body: () async throws(NodeError) -> Void) async -> NodeError? {
    do {
      try await body()
      return nil
    } catch {
      return error
    }
  }

  private func work(
    _ host: HostAPI.HostSession, _ supervisor: AgentSupervisor, _ publisher: NotificationPublisher, _ relay: AgentRelay
  ) -> DispatchRunner.Work {
    let (api, redactor) = (api, redactor)
    return DispatchRunner.Work(
      reportStarted: { dispatch throws(NodeError) in try await api.report("started", dispatch, of: host) },
      prompt: { dispatch throws(AgentError) in try await supervisor.prompt(dispatch.prompt) },
      cancelTurn: { supervisor.cancel() },
      flush: {
        await relay.endTurn()
        await publisher.flush()
        await self.tellRemoved()
      },
      reportEnd: { dispatch, end throws(NodeError) in
        switch end {
        case .completed(let reason):
          try await api.report("completed", dispatch, of: host, stopReason: redactor.redact(reason))
        case .failed(let error):
          try await api.report("failed", dispatch, of: host, error: redactor.redact(error))
        }
      })
  }

  /// What is done for the agent.
  private func makeTools(_ relay: AgentRelay) throws(WorkingTree.Failure) -> ToolDesk {
    var tools = ToolDesk()
    if configuration.files != .none {
      let tree = try WorkingTree(configuration.agent.workingDirectory, maximumBytes: configuration.fileBytes)
      tools.files = FileDesk(
        tree: tree, asksForWrites: configuration.files == .ask, ask: { await relay.agentAsks($0) })
    }
    if configuration.offersTerminals {
      var limits = TerminalDesk.Limits()
      limits.outputBytes = configuration.terminalBytes
      tools.terminals = TerminalDesk(
        environment: configuration.agent.environment.variables,
        workingDirectory: configuration.agent.workingDirectory, limits: limits, secrets: configuration.secrets,
        publish: { await relay.agentSent($0) })
    }
    return tools
  }

  /// Tells the host what was taken out of what the agent has said.
  private func tellRemoved() async {
    let count = redactor.takeCount()
    guard !count.isEmpty else { return }
    logger.notice("secrets were removed", metadata: [LogKey.redactionKinds: "\(count.sentence)"])
    await observer.secretsRemoved(count)
  }

  /// Takes dispatches, on one node after another.
  private func attach(
    _ host: HostAPI.HostSession, _ runner: DispatchRunner, _ permissions: SessionPermissions
  ) async throws(NodeError) {
    let stream = NodeStream(
      client: api.client, path: "\(host.path)/dispatches?bridgeId=\(bridgeID)", token: host.token, logger: logger,
      maximumEventBytes: configuration.eventBytes)
    try await stream.read(onSkipped: { await self.observer.eventSkipped() }) { message in
      guard let message = DispatchMessage(message) else {
        self.logger.warning("malformed dispatch message ignored")
        return true
      }
      switch message {
      case .permission(let notice): permissions.noticed(notice)
      case .attached: permissions.lookAgain()
      default: break
      }
      runner.receive(message)
      return true
    }
  }

  /// Shows the session's events. Returns when the session has ended and nothing runs any more.
  private func watch(_ session: SharedSession, _ runner: DispatchRunner) async throws(NodeError) {
    let stream = NodeStream(
      client: api.client, path: "\(session.path)/stream", token: session.credentials, logger: logger,
      maximumEventBytes: configuration.eventBytes, lastEventID: "earliest")
    do throws(NodeError) {
      try await stream.read(onSkipped: { await self.observer.eventSkipped() }) { event in
        let type = event["type"]?.string
        if type != "connected" { await self.observer.event(event) }
        return type != "session_closed"
      }
    } catch {
      // A session that has ended, or is long gone, has no stream.
      guard case .refused(_, "SESSION_INACTIVE", _) = error else { throw error }
    }
    logger.info("the shared session has ended")
    await runner.waitUntilIdle()
  }

  /// Shows the host what viewers see: what the nodes send to one.
  private func preview(_ session: SharedSession) async {
    do {
      let call = api.joinAsViewer(
        session, userID: "\(configuration.userID).preview", displayName: "The host's preview",
        key: IdempotencyKey.make())
      let viewer = try await api.client.insist(on: call)["participant"]
      guard let id = viewer?["id"]?.string, let token = viewer?["accessToken"]?.string else { return }
      let stream = NodeStream(
        client: api.client, path: "\(session.path)/stream", token: "\(id).\(token)", logger: logger,
        maximumEventBytes: configuration.eventBytes, lastEventID: "earliest")
      try await stream.read { event in
        let type = event["type"]?.string
        if type != "connected" { await self.observer.viewerSees(event) }
        return type != "session_closed"
      }
    } catch {
      if error != .stopped { logger.warning("the preview has ended", metadata: ["reason": "\(error)"]) }
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
