internal import NIOCore
internal import RedisClient

extension DispatchAttachment {
  /// Attaches a bridge: takes the next fence, listens, ends what another bridge left, and tells the shared sessions.
  ///
  /// The sessions hear of the fence before the first look, so that from then on no older attachment can hand out what this one
  /// does; and listening comes before both, so that no signal is missed. Whoever dies in between leaves a lease that lapses.
  static func open(
    _ hostSessionID: String, token: String, bridgeID: String?, queue: DispatchQueue,
    clock: any Clock<Duration> = ContinuousClock()
  ) async throws(SharedSessionError) -> DispatchAttachment {
    let runner = queue.runner
    let parts = try await runner.host(
      ScriptLibrary.hostAttach, hostSessionID, token: Secrets.digest(token),
      ["lease": .milliseconds(runner.settings.dispatchLease), "bridge": .string(bridgeID ?? "")]
    ).parts(atLeast: 9)
    let (fence, who, now) = (try parts.number(0), try parts.text(1), try parts.number(8))
    let (running, sessions) = (try RunningDispatch(in: parts, at: 2), try parts.list(6))
    try await runner.noteLease(hostSessionID)
    let mailbox = DispatchMailbox()
    let subscription = try await listen(to: hostSessionID, into: mailbox, runner)
    do {
      if who == "other", let running {
        try await queue.failAfterBridgeLoss(
          hostSessionID, running, fence: fence,
          message: "another bridge took over while this prompt was running, so its outcome is unknown")
      }
      try await runner.together(
        sessions.map { id in { try await runner.announceHost(id, fence: String(fence), online: true) } })
    } catch {
      subscription.cancel()
      throw error
    }
    let unclaimed = running.flatMap { who == "unknown" ? (running: $0, since: now) : nil }
    return DispatchAttachment(
      hostSessionID, fence: fence, isUnclaimed: unclaimed != nil, lease: runner.settings.dispatchLease,
      work: HostAttachmentWork(hostSessionID: hostSessionID, fence: fence, unclaimed: unclaimed, queue: queue),
      mailbox: mailbox, clock: clock, logger: runner.logger, stopListening: { subscription.cancel() })
  }

  private static func listen(
    to hostSessionID: String, into mailbox: DispatchMailbox, _ runner: ScriptRunner
  ) async throws(SharedSessionError) -> RedisSubscription {
    do {
      return try await runner.redis.subscribe(to: runner.keys.hostChannel(hostSessionID)) { event in
        switch event {
        case .message(let message): mailbox.put(message: message)
        case .restored: mailbox.put(.resubscribed)
        case .interrupted: break
        }
      }
    } catch { throw SharedSessionError(.unavailable, retryAfter: 1) }
  }
}
