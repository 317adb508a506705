import JSONText
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import SharedSessions

/// The driver of an attachment, with a clock that a test moves and a Redis that is only told.
@Suite struct DispatchAttachmentTests {
  @Test func aLookThatHangsDelaysNoRenewal() async throws {
    let work = FakeWork()
    try await withAttachment(work) { attachment, clock in
      for renewal in 1...5 {
        // The look hangs all the time; the renewal sleeps.
        try await eventually("the renewal sleeps") { clock.sleepers == 1 && work.looks == 1 }
        clock.advance(by: .seconds(10))
        try await eventually("the lease is renewed") { work.renewals == renewal }
      }
      #expect(work.looks == 1)
      _ = attachment
    }
  }

  @Test func aLeaseThatIsLostEndsTheFrames() async throws {
    let work = FakeWork(isFenced: true)
    try await withAttachment(work) { attachment, clock in
      try await eventually("the renewal sleeps") { clock.sleepers == 1 }
      clock.advance(by: .seconds(10))
      var types: [String] = []
      for await frame in attachment.messages { types.append(try need(try json(frame)["type"]?.string)) }
      #expect(types == ["attached"])
    }
    #expect(work.hasStoppedListening)
  }

  @Test func aBridgeThatReadsNothingIsLeftInsteadOfLosingAFrame() async throws {
    let work = FakeWork()
    let mailbox = DispatchMailbox()
    try await withAttachment(work, mailbox) { attachment, _ in
      try await eventually("it looks") { work.looks == 1 }
      work.answer(
        .deliver(DeliveredDispatch(id: "d", attempt: 1), payload: ByteBuffer(string: "{}"), isCancelled: false))
      var sent = 0
      try await eventually("it has ended") {
        sent += 1
        mailbox.put(.cancelAsked("d"))
        return work.hasStoppedListening
      }
      var frames = 0
      for await _ in attachment.messages { frames += 1 }
      #expect(frames == DispatchAttachment.messagesAtMost)
      #expect(sent >= DispatchAttachment.messagesAtMost - 2)
    }
  }

  private func withAttachment(
    _ work: FakeWork, _ mailbox: DispatchMailbox = DispatchMailbox(),
    _ body: (DispatchAttachment, ManualClock) async throws -> Void
  ) async throws {
    let clock = ManualClock()
    let attachment = DispatchAttachment(
      "host", fence: 1, isUnclaimed: false, lease: .seconds(30), work: work, mailbox: mailbox, clock: clock,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, stopListening: { work.stopListening() })
    let running = Task { await attachment.run() }
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(attachment, clock)) } catch { outcome = .failure(error) }
    running.cancel()
    await running.value
    try outcome.get()
  }
}

/// A Redis whose looks take until a test answers them. Sendable: what it has seen is behind a mutex.
private final class FakeWork: AttachmentWork {
  private struct State {
    var looks = 0
    var renewals = 0
    var hasStopped = false
    var waiting: AsyncStream<DispatchStep.Next>.Continuation?
  }

  private let state = Mutex(State())
  private let isFenced: Bool

  init(isFenced: Bool = false) { self.isFenced = isFenced }

  var looks: Int { state.withLock(\.looks) }
  var renewals: Int { state.withLock(\.renewals) }
  var hasStoppedListening: Bool { state.withLock(\.hasStopped) }

  func answer(_ next: DispatchStep.Next) { state.withLock(\.waiting)?.yield(next) }
  func stopListening() { state.withLock { $0.hasStopped = true } }

  func look(delivered: DeliveredDispatch?) async throws(SharedSessionError) -> DispatchStep.Next {
    let (answers, continuation) = AsyncStream.makeStream(of: DispatchStep.Next.self)
    state.withLock { state in
      state.looks += 1
      state.waiting = continuation
    }
    for await answer in answers { return answer }
    throw SharedSessionError(.unavailable)
  }

  func renew() async throws(SharedSessionError) -> String? {
    state.withLock { $0.renewals += 1 }
    return isFenced ? nil : "0"
  }

  func request(
    _ reference: DispatchAttachment.RequestReference
  ) async throws(SharedSessionError) -> DispatchAttachment.RequestNews? { nil }

  func failIfUnclaimed() async throws(SharedSessionError) {}
}
