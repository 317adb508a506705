internal import Logging
public import NIOCore
internal import Observability

/// One open attachment of a bridge: the messages for it, its lease, and the queue it works through.
///
/// Sendable: what changes is owned by the one task that runs `run()`; what happens reaches it through a mailbox. What to do is
/// decided by its state machine.
public final class DispatchAttachment: Sendable {
  /// Complete JSON messages `{type, hostSessionId, timestamp, payload}` in order; ends when a newer attachment has taken over, the host
  /// session is gone, the lease has lapsed or `run()` is cancelled.
  public let messages: AsyncStream<ByteBuffer>

  private let hostSessionID: String
  private let fence: Int
  private let isUnclaimed: Bool
  private let lease: Duration
  private let work: any AttachmentWork
  private let mailbox: DispatchMailbox
  private let clock: any Clock<Duration>
  private let logger: Logger
  private let stopListening: @Sendable () -> Void
  private let output: AsyncStream<ByteBuffer>.Continuation

  /// Messages a bridge may leave unread. One dispatch, its cancel and the answers in its turn are out at a time, so
  /// this is never reached by one that reads.
  static let messagesAtMost = 256
  /// How long to wait before trying again what Redis did not answer.
  private static let pause: Duration = .seconds(1)

  /// - Parameters:
  ///   - isUnclaimed: whether it has found a turn running that may be another bridge's.
  ///   - mailbox: where the signals come in that are heard already.
  ///   - stopListening: ends that.
  init(
    _ hostSessionID: String, fence: Int, isUnclaimed: Bool, lease: Duration, work: any AttachmentWork,
    mailbox: DispatchMailbox, clock: any Clock<Duration>, logger: Logger, stopListening: @escaping @Sendable () -> Void
  ) {
    self.hostSessionID = hostSessionID
    self.fence = fence
    self.isUnclaimed = isUnclaimed
    self.lease = lease
    self.work = work
    self.mailbox = mailbox
    self.clock = clock
    self.logger = logger
    self.stopListening = stopListening
    (messages, output) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.messagesAtMost))
  }

  /// Works through the queue and renews the lease until cancelled, fenced or gone. Run it while the response is open.
  public func run() async {
    defer {
      output.finish()
      stopListening()
    }
    guard !Task.isCancelled else { return }
    await withDiscardingTaskGroup { group in
      // A task of its own, so that no slow look can delay it.
      group.addTask { await self.keepLease() }
      if isUnclaimed { group.addTask { await self.waitForClaim() } }
      await work(in: &group)
      group.cancelAll()
    }
  }

  /// Deals with what happens, until the end.
  private func work(in group: inout DiscardingTaskGroup) async {
    var machine = StateMachine(fence: fence, isUnclaimed: isUnclaimed)
    guard perform(machine.handle(.attached), &machine, in: &group) else { return }
    for await _ in mailbox.rings {
      for event in mailbox.take() {
        guard perform(machine.handle(event), &machine, in: &group) else { return }
      }
    }
  }

  /// Carries out what the machine says.
  ///
  /// - Returns: whether it goes on.
  private func perform(
    _ actions: [StateMachine.Action], _ machine: inout StateMachine, in group: inout DiscardingTaskGroup
  ) -> Bool {
    for action in actions {
      switch action {
      case .send(let message):
        if !send(message) { return perform(machine.handle(.messageDropped), &machine, in: &group) }
      case .look(let delivered, let afterPause):
        attempt(afterPause, orElse: .lookFailed, in: &group) { [work] () async throws(SharedSessionError) in
          .looked(try await work.look(delivered: delivered))
        }
      case .readRequest(let reference, let afterPause):
        attempt(afterPause, orElse: .requestReadFailed, in: &group) { [work] () async throws(SharedSessionError) in
          .requestRead(try await work.request(reference))
        }
      case .failIfUnclaimed:
        attempt(false, orElse: .unclaimedEndFailed, in: &group) { [work] () async throws(SharedSessionError) in
          try await work.failIfUnclaimed()
          return .unclaimedEnded
        }
      case .end: return false
      }
    }
    return true
  }

  /// Asks Redis for something in a task of its own, which reports what came of it.
  private func attempt(
    _ afterPause: Bool, orElse failure: StateMachine.Event, in group: inout DiscardingTaskGroup,
    _ body: @escaping @Sendable () async throws(SharedSessionError) -> StateMachine.Event
  ) {
    group.addTask {
      if afterPause { try? await self.clock.sleep(for: min(Self.pause, self.lease / 3)) }
      guard !Task.isCancelled else { return }
      self.mailbox.put(await self.event(orElse: failure, body))
    }
  }

  /// Renews the lease; three renewals fit into one, so that two may be lost.
  private func keepLease() async {
    while (try? await clock.sleep(for: lease / 3)) != nil {
      let work = work
      mailbox.put(
        await event(orElse: .renewalFailed) { () async throws(SharedSessionError) in
          try await work.renew().map { .renewed(wakes: $0) } ?? .renewalRefused
        })
    }
  }

  private func waitForClaim() async {
    guard (try? await clock.sleep(for: lease)) != nil else { return }
    mailbox.put(.unclaimedTimeOver)
  }

  /// The event that says how something went.
  private func event(
    orElse failure: StateMachine.Event, _ body: () async throws(SharedSessionError) -> StateMachine.Event
  ) async -> StateMachine.Event {
    do throws(SharedSessionError) { return try await body() } catch {
      // Redis did not answer: it is tried again, and the lease decides in the end.
      logger.debug(
        "attachment could not do its work",
        metadata: [LogKey.hostSessionID: .string(hostSessionID), LogKey.error: .string(error.message)])
      return failure
    }
  }

  /// Hands a message to the bridge.
  ///
  /// - Returns: false when it cannot be kept: the bridge has to attach again, so that nothing is lost silently.
  private func send(_ message: StateMachine.Message) -> Bool {
    let (type, payload): (String, ByteBuffer) =
      switch message {
      case .attached(let fence): ("attached", ByteBuffer(string: "{\"fence\":\(fence)}"))
      case .dispatch(let payload): ("dispatch", payload)
      case .cancel(let id): ("cancel", ByteBuffer(string: "{\"dispatchId\":\"\(id)\"}"))
      case .request(let news): (news.kind.rawValue, news.payload)
      }
    var text = ByteBuffer(
      string: """
        {"type":"\(type)","hostSessionId":"\(hostSessionID)","timestamp":"\(Timestamp.now())","payload":
        """)
    text.writeImmutableBuffer(payload)
    text.writeString("}")
    if case .dropped = output.yield(text) { return false }
    return true
  }
}
