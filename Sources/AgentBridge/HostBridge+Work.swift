import AgentClientProtocol
internal import Basics
import JSONText
import Logging
internal import Observability

/// What sharing consists of, beside the streams.
extension HostBridge {
  /// Publishes what was said before, ahead of everything else; until it is done or sharing is to end.
  func publish(
    _ history: [AgentNotification], of host: HostAPI.HostSession, areReplayed: Bool
  ) async -> NodeError? {
    guard !history.isEmpty else { return nil }
    let publisher = NotificationPublisher(
      limits: configuration.notificationLimits, logger: logger, makeKey: { IdempotencyKey.make() }
    ) {
      [api] batch, key throws(NodeError) in
      _ = try await api.client.insist(on: api.publish(batch, of: host, areReplayed: areReplayed, key: key))
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

  func work(
    _ host: HostAPI.HostSession, _ supervisor: AgentSupervisor, _ publisher: NotificationPublisher, _ relay: AgentRelay
  ) -> DispatchRunner.Work {
    let (api, redactor) = (api, redactor)
    let contents = DispatchContents(api: api, host: host)
    return DispatchRunner.Work(
      reportStarted: { dispatch throws(NodeError) in
        // Everything is at hand before the turn counts as begun: from then on nobody tries again.
        try await contents.fetch(dispatch)
        return try await api.report("started", dispatch, of: host)
      },
      noteBegun: { [journal = configuration.journal] dispatch throws(HostJournal.Failure) in
        try journal?.save { $0.begin(dispatch.id) }
      },
      prompt: { dispatch throws(AgentError) in
        guard let control = dispatch.control else { return try await supervisor.prompt(try contents.take(dispatch)) }
        if let change = try await supervisor.set(control) { await relay.changed(change) }
        return .endTurn
      },
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

  /// What nodes are told of an agent.
  func report(of profile: AgentProfile) -> AgentReport {
    let program = configuration.agent.command.first.map { String($0.split(separator: "/").last ?? "") }
    return AgentReport(profile, program: program, filter: configuration.filter) { redactor.redact($0) }
  }

  /// What is done for the agent.
  func makeTools(_ relay: AgentRelay) throws(WorkingTree.Failure) -> ToolDesk {
    var tools = ToolDesk()
    if configuration.files != .none {
      let tree = try WorkingTree(configuration.agent.workingDirectory, maximumBytes: configuration.fileBytes)
      tools.files = FileDesk(
        tree: tree, asksForWrites: configuration.files == .ask, ask: { await relay.agentAsks($0) })
    }
    if configuration.offersTerminals {
      var limits = TerminalDesk.Limits()
      limits.outputBytes = configuration.terminalBytes
      limits.terminals = configuration.openTerminals
      tools.terminals = TerminalDesk(
        environment: configuration.agent.environment.variables,
        workingDirectory: configuration.agent.workingDirectory, limits: limits, secrets: configuration.secrets,
        publish: { await relay.agentSent($0) })
    }
    return tools
  }

  /// Tells the host what was taken out of what the agent has said.
  func tellRemoved() async {
    let count = redactor.takeCount()
    guard !count.isEmpty else { return }
    logger.notice("secrets were removed", metadata: [LogKey.redactionKinds: "\(count.sentence)"])
    await observer.secretsRemoved(count)
  }
}
