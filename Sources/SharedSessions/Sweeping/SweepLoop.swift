internal import Logging
internal import Observability
internal import Synchronization

/// What a sweeper does again and again, so that its loop can be tested without Redis.
protocol SweepDuties: Sendable {
  associatedtype Entry: Sendable

  /// Renews this node's lease.
  func renewLease() async throws
  /// Keeps the note of the layout.
  func keepLayout() async throws
  /// Entries that are due, claimed by this node.
  func due() async throws -> [Entry]
  /// Does what is due for one entry; what fails is tried again by whoever claims it next.
  func handle(_ entry: Entry) async
  /// What tells an entry from others.
  func name(of entry: Entry) -> String
}

/// Runs a sweeper's duties at their times. A value.
///
/// The lease is renewed by a task of its own, and new entries are read while others are worked on: nothing that takes long delays
/// anything but itself.
struct SweepLoop<Duties: SweepDuties>: Sendable {
  let duties: Duties
  let clock: any Clock<Duration>
  let sweepInterval: Duration
  let nodeLease: Duration
  let logger: Logger
  /// Entries that are worked on at a time.
  var atOnce = 16

  /// Runs until cancelled.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await repeating(every: nodeLease / 4, "node lease could not be renewed") { try await duties.renewLease() }
      }
      group.addTask { await sweepAgainAndAgain() }
      group.addTask {
        await repeating(every: .seconds(3_600), "layout could not be noted") { try await duties.keepLayout() }
      }
      await group.waitForAll()
    }
  }

  /// One round: what is due is done, several entries at a time.
  func sweepOnce() async throws {
    let due = try await duties.due()
    let pool = newPool()
    await withDiscardingTaskGroup { group in begin(due, pool, in: &group) }
  }

  private func sweepAgainAndAgain() async {
    let pool = newPool()
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        if pool.value.withLock({ $0.hasRoom }) {
          do { begin(try await duties.due(), pool, in: &group) } catch { report(error, "sweep cut short") }
        }
        // Jitter keeps many nodes from looking at the same moment.
        guard (try? await clock.sleep(for: sweepInterval * Double.random(in: 0.8...1.2))) != nil else { return }
      }
    }
  }

  /// The pool, where the tasks that empty it find it.
  private final class Pool: Sendable {
    let value: Mutex<SweepPool<Duties.Entry>>

    init(_ pool: SweepPool<Duties.Entry>) { value = Mutex(pool) }
  }

  private func newPool() -> Pool {
    Pool(SweepPool(atOnce: atOnce) { [duties] entry in duties.name(of: entry) })
  }

  private func begin(_ due: [Duties.Entry], _ pool: Pool, in group: inout DiscardingTaskGroup) {
    for first in pool.value.withLock({ $0.add(due) }) {
      group.addTask {
        var next: Duties.Entry? = first
        while let entry = next {
          await duties.handle(entry)
          next = pool.value.withLock { $0.finish(entry) }
        }
      }
    }
  }

  private func repeating(
    every period: Duration, _ failure: Logger.Message, _ body: () async throws -> Void
  ) async {
    while !Task.isCancelled {
      do { try await body() } catch { report(error, failure) }
      guard (try? await clock.sleep(for: period)) != nil else { return }
    }
  }

  private func report(_ error: any Error, _ failure: Logger.Message) {
    logger.debug(failure, metadata: [LogKey.error: .string("\(error)")])
  }
}
