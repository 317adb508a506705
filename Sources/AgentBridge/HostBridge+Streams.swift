import JSONText
import Logging
internal import Observability
import Synchronization

/// The streams that a bridge reads.
extension HostBridge {
  /// Takes dispatches, on one node after another.
  func attach(
    _ host: HostAPI.HostSession, _ runner: DispatchRunner, _ permissions: SessionPermissions
  ) async throws(NodeError) {
    let stream = NodeStream(
      client: api.client, path: "\(host.path)/dispatches?bridgeId=\(bridgeID)", token: host.token, logger: logger,
      maximumEventBytes: configuration.eventBytes)
    let failure = Mutex<NodeError?>(nil)
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
      do throws(NodeError) {
        try await runner.receive(message)
        return true
      } catch {
        failure.withLock { $0 = error }
        return false
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// Shows the session's events. Returns when the session has ended and nothing runs any more.
  func watch(_ session: SharedSession, _ runner: DispatchRunner) async throws(NodeError) {
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
  func preview(_ session: SharedSession) async {
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
      if error != .stopped { logger.warning("the preview has ended", metadata: [LogKey.error: "\(error)"]) }
    }
  }
}
