import Logging
import NIOCore
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import SharedSessions

/// What a sweeper decides about an entry.
@Suite struct SweepDecisionTests {
  private func state(
    _ status: String, endsAt: Int = 1_000_000, nearest: String = "", queued: Int = 0, offlineAt: String = ""
  ) throws -> SessionState {
    let texts = [status, "\(endsAt)", "2000000", "w", "h", nearest, "\(queued)", offlineAt]
    return try SessionState(.ok(texts.map { .bytes(ByteBuffer(string: $0)) }))
  }

  private func host(isAttached: Bool, running: Bool = false) -> HostState {
    HostState(
      fence: 5, isAttached: isAttached,
      running: running ? RunningDispatch(session: "s", approval: "a", dispatch: "d") : nil, cancelling: nil,
      sessions: [])
  }

  @Test func aSessionIsTreatedAsItsStateSays() throws {
    #expect(SessionDuty(nil, now: 0) == .forget)
    #expect(SessionDuty(try state("expired"), now: 0) == .expire)
    #expect(SessionDuty(try state("ending"), now: 0) == .goOn)
    #expect(SessionDuty(try state("ended"), now: 1_500_000) == .retire(goneIn: 501_000))
    #expect(SessionDuty(try state("ended"), now: 3_000_000) == .retire(goneIn: 1_000))
  }

  @Test func anActiveSessionIsLookedAtWhenSomethingIsDueButAtLeastEveryFiveMinutes() throws {
    #expect(SessionDuty(try state("active"), now: 0) == .check(in: 300_000))
    #expect(SessionDuty(try state("active"), now: 999_000) == .check(in: 1_000))
    #expect(SessionDuty(try state("active", nearest: "40"), now: 10) == .check(in: 30))
    #expect(SessionDuty(try state("active", nearest: "10"), now: 10) == .failOverdue(nextIn: 0))
    #expect(SessionDuty(try state("active", nearest: "400", queued: 1), now: 10) == .failOverdue(nextIn: 390))
  }

  @Test func theBridgeIsToldAgainOfWhatWaitsOnlyWhereItIsAttached() throws {
    let waiting = try state("active", queued: 1)
    let free = WaitingDuty(waiting, host: host(isAttached: true), isStarted: false)
    #expect(free.announces == 5 && free.wakes && !free.isBusy)
    let busy = WaitingDuty(waiting, host: host(isAttached: true, running: true), isStarted: true)
    #expect(busy.announces == 5 && busy.wakes && busy.isBusy)
    for away in [nil, host(isAttached: false, running: true)] {
      let duty = WaitingDuty(waiting, host: away, isStarted: true)
      #expect(duty.announces == nil && !duty.wakes && !duty.isBusy)
    }
  }

  @Test func aSessionThatTakesItsHostForAwayIsToldThatItIsThere() throws {
    let duty = WaitingDuty(try state("active", offlineAt: "7"), host: host(isAttached: true), isStarted: false)
    #expect(duty.announces == 5 && !duty.wakes)
    #expect(WaitingDuty(try state("active"), host: host(isAttached: true), isStarted: false).announces == nil)
  }

  @Test func afterAnExpirySomebodyLooksAgainOnlyIfThereIsMoreToDo() throws {
    let parts = { (isDone: String) in ["", "", "", isDone].map { RedisValue.bytes(ByteBuffer(string: $0)) } }
    #expect(try NextLook.afterExpiry(.ok(parts("true")), now: 5) == nil)
    #expect(try NextLook.afterExpiry(.ok(parts("false")), now: 5) == 0)
    #expect(try NextLook.afterExpiry(.refused("not_due", detail: ["905"]), now: 5) == 900)
    #expect(try NextLook.afterExpiry(.refused("SESSION_INACTIVE", detail: ["closed"]), now: 5) == nil)
    #expect(throws: SharedSessionError.self) {
      try NextLook.afterExpiry(.refused("SESSION_NOT_FOUND", detail: []), now: 5)
    }
  }

  @Test func aSlowEntryTakesOnePlaceAndIsNotBegunTwice() {
    var pool = SweepPool<String>(atOnce: 2) { $0 }
    #expect(pool.add(["slow", "b", "c", "slow", "d"]) == ["slow", "b"])
    #expect(!pool.hasRoom)
    #expect(pool.finish("b") == "c")
    #expect(pool.finish("c") == "d")
    #expect(pool.hasRoom)
    #expect(pool.finish("d") == nil)
    #expect(pool.add(["slow", "e"]) == ["e"])
    #expect(pool.finish("slow") == nil)
    #expect(pool.add(["slow"]) == ["slow"])
  }
}

/// The loop of a sweeper, with a clock that a test moves.
@Suite struct SweepLoopTests {
  @Test func neitherASlowNorAFailingEntryDelaysTheLeaseOrOtherEntries() async throws {
    let (duties, clock) = (FakeDuties(), ManualClock())
    let loop = SweepLoop(
      duties: duties, clock: clock, sweepInterval: .seconds(1), nodeLease: .seconds(8),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, atOnce: 2)
    let running = Task { await loop.run() }
    duties.offer(["slow", "a"])
    for round in 1...10 {
      let name = "entry \(round)"
      // The lease, the layout and the pause between two rounds.
      try await eventually("all wait for their time") { clock.sleepers == 3 }
      duties.offer([name], failing: round == 4)
      clock.advance(by: .seconds(2))
      try await eventually("the next entry is done in round \(round)") {
        round == 4 || duties.isHandled(name)
      }
      try await eventually("the lease is renewed in round \(round)") { duties.renewals == round + 1 }
    }
    #expect(duties.isBegun("slow") && !duties.isHandled("slow"))
    running.cancel()
    await running.value
  }
}

/// Entries as a test offers them; one that is called "slow" takes until the end. Sendable: all of it is behind a mutex.
private final class FakeDuties: SweepDuties {
  private struct State {
    var offered: [String] = []
    var fails = false
    var begun: Set<String> = []
    var handled: Set<String> = []
    var renewals = 0
  }

  private let state = Mutex(State())

  var renewals: Int { state.withLock(\.renewals) }
  func isBegun(_ name: String) -> Bool { state.withLock { $0.begun.contains(name) } }
  func isHandled(_ name: String) -> Bool { state.withLock { $0.handled.contains(name) } }

  func offer(_ names: [String], failing: Bool = false) {
    state.withLock { state in
      state.offered += names
      state.fails = failing
    }
  }

  func renewLease() async throws { state.withLock { $0.renewals += 1 } }
  func keepLayout() async throws {}

  func due() async throws -> [String] {
    let due: [String]? = state.withLock { state in
      if state.fails { return nil }
      defer { state.offered = [] }
      return state.offered
    }
    guard let due else { throw SharedSessionError(.unavailable) }
    return due
  }

  func handle(_ entry: String) async {
    state.withLock { _ = $0.begun.insert(entry) }
    if entry == "slow" {
      // Until it is cancelled.
      let (never, continuation) = AsyncStream.makeStream(of: Void.self)
      for await _ in never {}
      continuation.finish()
    }
    state.withLock { _ = $0.handled.insert(entry) }
  }

  func name(of entry: String) -> String { entry }
}
