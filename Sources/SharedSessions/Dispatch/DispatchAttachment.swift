internal import Logging
public import NIOCore
internal import RedisClient
internal import Synchronization

/// One open attachment of a bridge: the frames for it, its lease, and the queue it works through.
///
/// Sendable: what changes is owned by the one task that runs `run()`; the frames and the wake-ups are streams.
public final class DispatchAttachment: Sendable {
  /// Complete JSON frames `{type, hostSessionId, timestamp, payload}` in order; ends when a newer attachment has taken over, the host
  /// session is gone, the lease has lapsed or `run()` is cancelled.
  public let frames: AsyncStream<ByteBuffer>

  private let hostSessionID: String
  private let fence: String
  private let cancelling: String
  /// A turn found running by a bridge that does not say which one it is, and when; it has a lease's time to claim it.
  private let unclaimed: (running: RunningDispatch, since: Int)?
  private let queue: DispatchQueue
  private let output: AsyncStream<ByteBuffer>.Continuation
  private let signals: AsyncStream<Signal>
  private let signalled: AsyncStream<Signal>.Continuation
  private let subscription: Mutex<RedisSubscription?> = Mutex(nil)

  /// What makes an attachment look.
  private enum Signal: Sendable, Hashable {
    case look
    case renew
    case settle
    case cancel(String)
    case permission(session: String, approval: String)
    case fence(Int)
    case gone
  }

  /// Frames a bridge may leave unread. One dispatch, its cancel and the answers in its turn are out at a time, so
  /// this is never reached by one that reads.
  private static let framesAtMost = 256

  private init(
    _ hostSessionID: String, fence: String, cancelling: String, unclaimed: (running: RunningDispatch, since: Int)?,
    queue: DispatchQueue
  ) {
    self.unclaimed = unclaimed
    self.hostSessionID = hostSessionID
    self.fence = fence
    self.cancelling = cancelling
    self.queue = queue
    (frames, output) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.framesAtMost))
    (signals, signalled) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
  }

  /// Attaches: takes the next fence, listens before looking, tells the shared sessions, and settles what another bridge left.
  static func open(
    _ hostSessionID: String, token: String, bridgeID: String?, queue: DispatchQueue
  ) async throws(SharedSessionError) -> DispatchAttachment {
    let runner = queue.runner
    let lease = Int(runner.settings.dispatchLease.milliseconds)
    let parts = try await runner.host(
      ScriptLibrary.hostAttach, hostSessionID, token: Secrets.digest(token),
      ["lease": .integer(lease), "bridge": .string(bridgeID ?? "")]
    ).parts(atLeast: 9)
    let running = RunningDispatch(
      session: try parts.text(2), approval: try parts.text(3), dispatch: try parts.text(4))
    let isUnclaimed = try parts.text(1) == "unknown" && !running.dispatch.isEmpty
    // What another bridge was to stop ends with it.
    let cancelling = try parts.text(1) == "other" ? "" : try parts.text(7)
    let attachment = DispatchAttachment(
      hostSessionID, fence: try parts.text(0), cancelling: cancelling,
      unclaimed: isUnclaimed ? (running, try parts.number(8)) : nil, queue: queue)
    try await runner.noteLease(hostSessionID)
    try await attachment.listen()
    if try parts.text(1) == "other" {
      try await queue.abandon(
        hostSessionID, running, fence: attachment.fence,
        message: "another bridge took over while this prompt was running, so its outcome is unknown")
    }
    for sessionID in try parts.list(6) {
      try await runner.announceHost(sessionID, fence: attachment.fence, online: true)
    }
    return attachment
  }

  /// Works through the queue and renews the lease until cancelled, fenced or gone. Run it while the response is open.
  public func run() async {
    defer {
      output.finish()
      signalled.finish()
      subscription.withLock { held in
        held.take()
      }?.cancel()
    }
    send("attached", ByteBuffer(string: "{\"fence\":\(fence)}"))
    let (signalled, lease) = (signalled, queue.runner.settings.dispatchLease)
    await withTaskGroup(of: Void.self) { group in
      // Three renewals fit into a lease, so that two may be lost.
      group.addTask { await Self.every(lease / 3) { signalled.yield(.renew) } }
      if unclaimed != nil {
        group.addTask { if (try? await Task.sleep(for: lease)) != nil { signalled.yield(.settle) } }
      }
      await work()
      group.cancelAll()
    }
  }

  private func work() async {
    var delivered: DeliveredDispatch?
    var wakes: String?
    signalled.yield(.look)
    var cancelled: String? = nil
    for await signal in signals {
      do {
        switch signal {
        case .look:
          switch try await queue.next(hostSessionID, fence: fence, delivered: delivered) {
          case .deliver(let dispatch, let payload, let isCancelled):
            delivered = dispatch
            send("dispatch", payload)
            if isCancelled {
              cancelled = dispatch.id
              cancel(dispatch.id)
            }
          case .idle: break
          case .fenced: return
          }
          // A cancel that was asked for while no bridge was attached.
          if !cancelling.isEmpty, cancelled == nil {
            cancelled = cancelling
            cancel(cancelling)
          }
        case .renew:
          let lease = Int(queue.runner.settings.dispatchLease.milliseconds)
          let outcome = try await queue.runner.host(
            ScriptLibrary.hostRenew, hostSessionID, ["lease": .integer(lease), "fence": .string(fence)])
          guard outcome.refusal == nil else { return }
          let parts = try outcome.parts(atLeast: 2)
          // Work that no signal told of: the one who queued it has counted it.
          if try parts.text(1) != wakes { signalled.yield(.look) }
          wakes = try parts.text(1)
          try await queue.runner.noteLease(hostSessionID)
        case .settle:
          guard let unclaimed else { break }
          try await queue.failIfUnclaimed(hostSessionID, unclaimed.running, since: unclaimed.since)
        case .cancel(let dispatchID): cancel(dispatchID)
        case .permission(let session, let approval): try await tell(session, approval)
        case .fence(let newer):
          if newer > (Int(fence) ?? 0) { return }
        case .gone: return
        }
      } catch {
        // Redis did not answer: the next look or renewal tries again, and the lease decides in the end.
        queue.runner.logger.debug(
          "An attachment could not look at its queue",
          metadata: ["host.id": .string(hostSessionID), "error": .string(error.message)])
      }
    }
  }

  private func cancel(_ dispatchID: String) {
    send("cancel", ByteBuffer(string: "{\"dispatchId\":\"\(dispatchID)\"}"))
  }

  /// Tells the bridge what has become of a permission request.
  private func tell(_ sessionID: String, _ approvalID: String) async throws(SharedSessionError) {
    let outcome = try await queue.runner.permission(sessionID, approvalID)
    guard outcome.refusal == nil else { return }
    let parts = try outcome.parts(atLeast: 6)
    let some = { (part: ByteBuffer) in part.readableBytes > 0 ? part : nil }
    send(
      "permission",
      ReplyBody.object([
        ("approvalId", ReplyBody.quoted(approvalID)), ("dispatchId", ReplyBody.quoted(try parts.text(2))),
        ("status", ReplyBody.quoted(try parts.text(1))), ("optionId", some(try parts.part(3))),
        ("reason", some(try parts.part(4))), ("resolvedByName", some(try parts.part(5))),
      ]))
  }

  /// Subscribes to the host session's channel: `wake`, `cancel <id>`, `permission <session> <approval>`, `fence <n>`, `gone`.
  private func listen() async throws(SharedSessionError) {
    let signalled = signalled
    do {
      let held = try await queue.runner.redis.subscribe(to: queue.runner.keys.hostChannel(hostSessionID)) { event in
        guard case .message(let message) = event else {
          signalled.yield(.look)
          return
        }
        let words = String(buffer: message).split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("cancel", 2): signalled.yield(.cancel(words[1]))
        case ("permission", 3): signalled.yield(.permission(session: words[1], approval: words[2]))
        case ("fence", 2): signalled.yield(.fence(Int(words[1]) ?? 0))
        case ("gone", _): signalled.yield(.gone)
        default: signalled.yield(.look)
        }
      }
      subscription.withLock { $0 = held }
    } catch { throw SharedSessionError(.unavailable, retryAfter: 1) }
  }

  private func send(_ type: StaticString, _ payload: ByteBuffer) {
    var frame = ByteBuffer(
      string: """
        {"type":"\(type)","hostSessionId":"\(hostSessionID)","timestamp":"\(Timestamp.now())","payload":
        """)
    var payload = payload
    frame.writeBuffer(&payload)
    frame.writeString("}")
    if case .dropped = output.yield(frame) {
      // A frame that cannot be kept must not be lost silently: the bridge has to attach again.
      output.finish()
      signalled.finish()
    }
  }

  private static func every(_ period: Duration, _ body: () -> Void) async {
    while (try? await Task.sleep(for: period)) != nil { body() }
  }
}

extension ScriptRunner {
  /// Makes sure the sweeper looks at a host session when the lease ends that was just taken.
  func noteLease(_ hostSessionID: String) async throws(SharedSessionError) {
    _ = try await single(
      ScriptLibrary.indexAdd, keys.leases(bucket: KeyLayout.bucket(of: hostSessionID)),
      [
        "member": .string(hostSessionID), "rule": "", "delay": .milliseconds(settings.dispatchLease),
        "lifetime": .milliseconds(settings.maximumLifetime + settings.retention),
      ])
  }
}
