import AgentClientProtocol
import Basics
import JSONText
import Logging
import Synchronization
import Testing

@testable import AgentBridge

/// Publishing in order, each once, with room to wait for.
struct NotificationPublisherTests {
  /// Where the batches arrive: notes them, and holds each until the test lets it go.
  private final class Sink: Sendable {
    let batches = Mutex<[(numbers: [Int64], key: String)]>([])
    let refusal = Mutex<@Sendable ([Int64]) -> NodeError?>({ _ in nil })
    let gate = Mutex<Latch?>(nil)
    private let keys = Mutex(0)

    func publisher(_ limits: NotificationQueue.Limits = .init()) -> NotificationPublisher {
      NotificationPublisher(
        limits: limits, logger: Logger(label: "test"),
        makeKey: {
          self.keys.withLock { keys in
            keys += 1
            return "key-\(keys)"
          }
        },
        publish: { batch, key throws(NodeError) in
          if let gate = self.gate.withLock({ $0 }) { await gate.wait() }
          let numbers = batch.compactMap { $0["params"]?["update"]?["n"]?.integer }
          if let refusal = self.refusal.withLock({ $0 })(numbers) { throw refusal }
          self.batches.withLock { $0.append((numbers, key)) }
        })
    }

    var numbers: [Int64] { batches.withLock { $0.flatMap(\.numbers) } }
  }

  /// A number that tasks share.
  private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increment() { count.withLock { $0 += 1 } }
  }

  private func update(_ number: Int) throws -> AgentNotification {
    let text = #"{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"k","n":\#(number)}}}"#
    return try #require(AgentNotification(try JSONText(validating: text)))
  }

  /// Runs the publisher beside the body.
  private func run(
    _ publisher: NotificationPublisher, _ body: () async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await publisher.run() }
      try await body()
      group.cancelAll()
    }
  }

  @Test(.timeLimit(.minutes(1))) func everythingArrivesInOrder() async throws {
    let sink = Sink()
    let publisher = sink.publisher()
    try await run(publisher) {
      for number in 1...500 { await publisher.add(try update(number)) }
      await publisher.flush()
      #expect(sink.numbers == (1...500).map(Int64.init))
      // Nothing waits, so a flush returns at once.
      await publisher.flush()
    }
    let keys = sink.batches.withLock { $0.map(\.key) }
    #expect(Set(keys).count == keys.count)
  }

  @Test(.timeLimit(.minutes(1))) func aFullQueueHoldsTheAgentBack() async throws {
    let sink = Sink()
    let gate = Latch()
    sink.gate.withLock { $0 = gate }
    var limits = NotificationQueue.Limits()
    limits.count = 3
    limits.batchCount = 1
    let publisher = sink.publisher(limits)
    let added = Counter()
    try await run(publisher) {
      await withDiscardingTaskGroup { group in
        group.addTask {
          for number in 1...20 {
            guard let update = try? update(number) else { return }
            await publisher.add(update)
            added.increment()
          }
        }
        // One is under way and three wait; nothing more gets in until the node takes them.
        while added.value < 4 { await Task.yield() }
        for _ in 0..<1_000 { await Task.yield() }
        #expect(added.value == 4)
        gate.set()
      }
      await publisher.flush()
    }
    #expect(sink.numbers == (1...20).map(Int64.init))
  }

  @Test(.timeLimit(.minutes(1))) func theOneThatIsRefusedIsDroppedAlone() async throws {
    let sink = Sink()
    let gate = Latch()
    sink.gate.withLock { $0 = gate }
    sink.refusal.withLock {
      $0 = { numbers in
        numbers.contains(3) ? .refused(status: 400, code: "INVALID_FIELD", message: "no") : nil
      }
    }
    let publisher = sink.publisher()
    try await run(publisher) {
      for number in 1...5 { await publisher.add(try update(number)) }
      gate.set()
      await publisher.flush()
    }
    #expect(sink.numbers == [1, 2, 4, 5])
  }

  @Test(.timeLimit(.minutes(1))) func aHostSessionThatIsGoneEndsIt() async throws {
    let sink = Sink()
    sink.refusal.withLock { $0 = { _ in .refused(status: 404, code: "HOST_SESSION_NOT_FOUND", message: "gone") } }
    let publisher = sink.publisher()
    await publisher.add(try update(1))
    await #expect(throws: NodeError.refused(status: 404, code: "HOST_SESSION_NOT_FOUND", message: "gone")) {
      try await publisher.run()
    }
    // Nobody waits for ever after the end.
    await publisher.flush()
    await publisher.add(try update(2))
    #expect(sink.numbers.isEmpty)
  }

  @Test(.timeLimit(.minutes(1))) func aLargeUpdateThatIsRefusedIsPublishedWithoutItsLargeParts() async throws {
    let sink = Sink()
    let refused = Counter()
    sink.refusal.withLock {
      $0 = { _ in
        guard refused.value == 0 else { return nil }
        refused.increment()
        return .refused(status: 413, code: "BODY_TOO_LARGE", message: "no")
      }
    }
    var limits = NotificationQueue.Limits()
    limits.batchBytes = 2_000
    let publisher = sink.publisher(limits)
    let large = #"{"sessionUpdate":"k","n":7,"content":"\#(String(repeating: "x", count: 9_000))"}"#
    let text = #"{"method":"session/update","params":{"sessionId":"s","update":\#(large)}}"#
    try await run(publisher) {
      await publisher.add(try #require(AgentNotification(try JSONText(validating: text))))
      await publisher.flush()
      #expect(sink.numbers == [7])
      #expect(refused.value == 1)
    }
  }
}
