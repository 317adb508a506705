import AgentClientProtocol
import JSONText
import Logging
import NIOCore
import Observability
import Synchronization

/// Publishes the agent's updates, in order and each once; safe to share, its state sits in a `Mutex`.
///
/// One call is under way at a time. It carries an idempotency key and is repeated with it until it is answered, so a
/// node lost in the middle neither loses nor doubles anything. Whoever adds waits while the queue is full: the agent
/// then isn't read, which is the backpressure.
final class NotificationPublisher: Sendable {
  private struct State: Sendable {
    var queue: NotificationQueue
    var added = 0
    var settled = 0
    var isFlushing: Bool { !flushes.isEmpty }
    var flushes: [(target: Int, waiter: CheckedContinuation<Void, Never>)] = []
    var waiting: [CheckedContinuation<Void, Never>] = []
    var isClosed = false
  }

  private let publish: @Sendable ([JSONText], _ key: String) async throws(NodeError) -> Void
  private let makeKey: @Sendable () -> String
  private let limits: NotificationQueue.Limits
  private let logger: Logger
  private let state: Mutex<State>
  private let wakeups: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation

  /// - Parameters:
  ///   - makeKey: makes a new idempotency key.
  ///   - publish: makes one call until it is answered.
  init(
    limits: NotificationQueue.Limits = .init(), logger: Logger, makeKey: @escaping @Sendable () -> String,
    publish: @escaping @Sendable ([JSONText], _ key: String) async throws(NodeError) -> Void
  ) {
    self.publish = publish
    self.makeKey = makeKey
    self.logger = logger
    self.limits = limits
    state = Mutex(State(queue: NotificationQueue(limits: limits)))
    (wakeups, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Adds an update, waiting for room when there is none.
  func add(_ notification: AgentNotification) async {
    await add(notification.text, kind: notification.kind)
  }

  /// Adds a notification of any kind, likewise.
  func add(_ notification: JSONText, kind: String) async {
    guard let text = NotificationTrimmer.fit(notification, maximumBytes: limits.singleBytes) else {
      logger.warning(
        "an update is too large to be published",
        metadata: [
          LogKey.agentUpdate: "\(kind.prefix(200))",
          LogKey.bytes: "\(notification.bytes.readableBytes)",
        ])
      return
    }
    await waitForRoom()
    state.withLock { state in
      guard !state.isClosed else { return }
      state.queue.append(text, at: .now)
      state.added += 1
    }
    wake.yield()
  }

  private func waitForRoom() async {
    await withCheckedContinuation { continuation in
      let hasRoom = state.withLock { state in
        if state.isClosed || !state.queue.isFull { return true }
        state.waiting.append(continuation)
        return false
      }
      if hasRoom { continuation.resume() }
    }
  }

  /// Returns when everything added so far has been published, or given up.
  func flush() async {
    await withCheckedContinuation { continuation in
      let isSettled = state.withLock { state in
        if state.isClosed || state.settled == state.added { return true }
        state.flushes.append((state.added, continuation))
        return false
      }
      if isSettled { continuation.resume() } else { wake.yield() }
    }
  }

  /// Publishes what is added until the task is cancelled.
  ///
  /// - Throws: `NodeError.refused` when the host session is gone or no longer ours.
  func run() async throws(NodeError) {
    defer { close() }
    for await _ in wakeups { try await publishWaiting() }
  }

  private func publishWaiting() async throws(NodeError) {
    while !Task.isCancelled {
      let (step, resumed) = state.withLock { state -> (NotificationQueue.Step, [CheckedContinuation<Void, Never>]) in
        let step = state.queue.next(at: .now, flush: state.isFlushing)
        guard !state.queue.isFull else { return (step, []) }
        defer { state.waiting = [] }
        return (step, state.waiting)
      }
      for waiter in resumed { waiter.resume() }
      switch step {
      case .publish(let batch):
        try await send(batch)
        settle()
      case .wait(let until):
        try? await Task.sleep(until: until)
      case .idle:
        settle()
        return
      }
    }
  }

  /// One call; a batch that is refused for what is in it is sent piece by piece. The piece that is the reason is trimmed
  /// to what every node takes, or dropped.
  private func send(_ batch: [JSONText]) async throws(NodeError) {
    do {
      try await publish(batch, makeKey())
    } catch {
      guard case .refused(let status, _, _) = error, [400, 413, 415, 422].contains(status) else { throw error }
      if batch.count > 1 {
        for notification in batch { try await send([notification]) }
      } else if let large = batch.first, large.bytes.readableBytes > limits.batchBytes,
        let trimmed = NotificationTrimmer.fit(large, maximumBytes: limits.batchBytes)
      {
        try await send([trimmed])
      } else {
        logger.warning("an update was refused", metadata: [LogKey.error: "\(error)"])
      }
    }
  }

  /// Wakes those who wait for what has been published by now.
  private func settle() {
    let finished = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      // Several updates may have become one, so the count is only known when nothing waits.
      guard state.queue.isEmpty else { return [] }
      state.settled = state.added
      defer { state.flushes = [] }
      return state.flushes.map(\.waiter)
    }
    for waiter in finished { waiter.resume() }
  }

  private func close() {
    let waiters = state.withLock { state in
      state.isClosed = true
      defer {
        state.flushes = []
        state.waiting = []
      }
      return state.flushes.map(\.waiter) + state.waiting
    }
    for waiter in waiters { waiter.resume() }
  }
}
