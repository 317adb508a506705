import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// How the dispatch to hand out is found, decision by decision, and what a death between two of them leaves.
@Suite struct DispatchStepTests {
  private let a = RunningDispatch(session: "s1", approval: "a1", dispatch: "d1")
  private let b = RunningDispatch(session: "s2", approval: "a2", dispatch: "d2")
  private let payload = ByteBuffer(string: "{}")

  private func host(
    fence: Int = 2, running: RunningDispatch? = nil, cancelling: String? = nil, sessions: [String] = ["s1", "s2"]
  ) -> DispatchStep.Result {
    .host(HostState(fence: fence, isAttached: true, running: running, cancelling: cancelling, sessions: sessions))
  }

  private func leased(_ attempt: Int, isCancelled: Bool = false) -> DispatchStep.Result {
    .leased(.handedOut(attempt: attempt, payload: payload, isCancelled: isCancelled))
  }

  private func delivered(_ id: String, _ attempt: Int, isCancelled: Bool = false) -> DispatchStep.Action {
    .finish(.deliver(DeliveredDispatch(id: id, attempt: attempt), payload: payload, isCancelled: isCancelled))
  }

  @Test func theSlotIsTakenBeforeTheFirstOfAllQueuesIsHandedOut() {
    var step = DispatchStep(fence: 2, delivered: nil)
    #expect(step.first() == .readHost)
    #expect(step.next(after: host()) == .readHeads(["s1", "s2"]))
    #expect(step.next(after: .heads([.init(order: 9, dispatch: a), .init(order: 4, dispatch: b)])) == .take(b))
    #expect(step.next(after: .taken(b)) == .lease(b))
    #expect(step.next(after: leased(1)) == delivered("d2", 1))
  }

  @Test func whatSomebodyElseTookFirstCounts() {
    var step = DispatchStep(fence: 2, delivered: nil)
    _ = step.next(after: host())
    _ = step.next(after: .heads([.init(order: 9, dispatch: a)]))
    #expect(step.next(after: .taken(b)) == .lease(b))
  }

  @Test func nothingIsDoneWithAnOlderFence() {
    var step = DispatchStep(fence: 1, delivered: nil)
    #expect(step.next(after: host()) == .finish(.fenced))
    #expect(step.next(after: .taken(nil)) == .finish(.fenced))
    _ = step.next(after: host(fence: 1, running: a))
    #expect(step.next(after: .leased(.fenced)) == .finish(.fenced))
    #expect(step.next(after: .host(nil)) == .finish(.gone))
  }

  @Test func aRunningTurnIsLeftAloneAndItsCancelIsSeen() {
    var step = DispatchStep(fence: 2, delivered: nil)
    #expect(step.next(after: host(running: a, cancelling: "d1")) == .lease(a))
    #expect(step.next(after: .leased(.started)) == .finish(.idle(cancelling: "d1")))
    step = DispatchStep(fence: 2, delivered: DeliveredDispatch(id: "d1", attempt: 1))
    #expect(step.next(after: host(running: a)) == .readState(a))
    #expect(step.next(after: .state("started", attempt: 1)) == .finish(.idle(cancelling: nil)))
  }

  @Test func whatIsAskedToStopIsHandedOutSo() {
    var step = DispatchStep(fence: 2, delivered: nil)
    _ = step.next(after: host(running: a, cancelling: "d1"))
    #expect(step.next(after: leased(1)) == delivered("d1", 1, isCancelled: true))
    _ = step.next(after: host(running: a))
    #expect(step.next(after: leased(1, isCancelled: true)) == delivered("d1", 1, isCancelled: true))
  }

  @Test func whatWasDeliveredIsDeliveredAgainOnlyWhenSomebodyElseTookIt() {
    for (attempt, expected) in [(1, DispatchStep.Action.finish(.idle(cancelling: nil))), (2, .lease(a))] {
      var step = DispatchStep(fence: 2, delivered: DeliveredDispatch(id: "d1", attempt: 1))
      #expect(step.next(after: host(running: a)) == .readState(a))
      #expect(step.next(after: .state("queued", attempt: attempt)) == expected)
    }
  }

  @Test(arguments: ["completed", "failed", ""])
  func theSlotOfWhatIsOverIsFreed(state: String) {
    var step = DispatchStep(fence: 2, delivered: DeliveredDispatch(id: "d1", attempt: 1))
    _ = step.next(after: host(running: a))
    #expect(step.next(after: .state(state, attempt: 1)) == .free(a))
    #expect(step.next(after: .freed) == .readHost)
    #expect(step.next(after: host(running: b)) == .lease(b))
    #expect(step.next(after: .leased(.over)) == .free(b))
  }

  @Test func aLookEndsThoughEverythingItFindsIsOver() {
    var step = DispatchStep(fence: 2, delivered: nil, tries: 2)
    for expected in [DispatchStep.Action.readHost, .finish(.idle(cancelling: nil))] {
      _ = step.next(after: host(running: a))
      _ = step.next(after: .leased(.over))
      #expect(step.next(after: .freed) == expected)
    }
  }

  /// Where a look may find its host session.
  enum Scene: CaseIterable, Sendable {
    case twoWait, isTaken, isHandedOut, isOverInTheSlot, isWithdrawnInTheSlot
  }

  /// A node takes the first actions of a look, of any number, and dies. Whoever looks next hands the right prompt out, once.
  @Test(arguments: Scene.allCases, [false, true])
  func aDeathBetweenAnyTwoStepsIsRepairedByTheNextLook(scene: Scene, attachesAgain: Bool) async throws {
    try await withWorld { world in
      for died in 0..<12 {
        let shared = try await world.share()
        let queue = world.one.hostSessions.queue
        let prompts = [try await world.queued(shared), try await world.queued(shared)]
        var fence = try await world.fence(shared)
        let expected = try await world.prepare(scene, shared, prompts, fence: fence)

        var step = DispatchStep(fence: fence, delivered: nil)
        var action = step.first()
        for _ in 0..<died {
          if case .finish = action { break }
          action = step.next(after: try await queue.perform(action, shared.hostSessionID, fence: fence))
        }
        if attachesAgain { fence = try await world.fence(shared) }
        let next = try await world.two.hostSessions.queue.next(shared.hostSessionID, fence: fence, delivered: nil)
        guard case .deliver(let dispatch, let payload, _) = next else {
          Issue.record("after \(died) steps nothing was handed out: \(next)")
          continue
        }
        #expect(try json(payload)["approvalId"]?.string == expected)
        // It can be run, and only under the attempt that was handed out last.
        try await world.report(shared, dispatch, .started)
        let after = try await queue.next(shared.hostSessionID, fence: fence, delivered: dispatch)
        #expect(after == .idle(cancelling: nil))
        try await world.report(shared, dispatch, .completed)
        let started = try await world.types(shared.id).filter { $0 == "prompt_dispatch_started" }.count
        #expect(started == (scene == .isOverInTheSlot ? 2 : 1))
      }
    }
  }

  /// An older attachment leases what a newer one hands out, before or after it does, in a session that has not heard of the newer
  /// one yet: what the newer one has handed out last is what can be started.
  @Test(arguments: [true, false])
  func aLeaseThatCrossesANewerAttachmentLeavesNothingUndelivered(isFirst: Bool) async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await world.queued(shared)
      let (one, two) = (world.one.hostSessions.queue, world.two.hostSessions.queue)
      let older = try await world.fence(shared)
      var step = DispatchStep(fence: older, delivered: nil)
      var action = step.first()
      while true {
        if case .lease = action { break }
        action = step.next(after: try await one.perform(action, shared.hostSessionID, fence: older))
      }
      let newer = try await world.fence(shared)
      var late: DispatchStep.Action?
      if isFirst { late = step.next(after: try await one.perform(action, shared.hostSessionID, fence: older)) }
      let next = try await two.next(shared.hostSessionID, fence: newer, delivered: nil)
      if !isFirst { late = step.next(after: try await one.perform(action, shared.hostSessionID, fence: older)) }

      guard case .deliver(let dispatch, _, _) = next else { throw FixtureError("nothing was handed out") }
      #expect(dispatch.attempt == (isFirst ? 2 : 1))
      if case .finish(.deliver(let stale, _, _)) = late {
        #expect(isFirst)
        #expect(try await code { try await world.report(shared, stale, .started) } == .dispatchConflict)
      } else {
        #expect(late == .finish(.fenced))
      }
      try await world.report(shared, dispatch, .started)
    }
  }

  @Test func anAttachmentThatCannotBeMadeListensToNothing() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let key = world.keys.session(shared.id)
      // A key of another type makes the step that tells this session fail.
      _ = try await world.redis.send(RedisCommand("DEL", .string(key)), key: key)
      _ = try await world.redis.send(RedisCommand("SET", .string(key), "x"), key: key)
      #expect(
        try await code {
          _ = try await world.one.hostSessions.attach(shared.hostSessionID, token: shared.hostToken, bridgeID: nil)
        } == .internalError)
      try await eventually("nobody is subscribed") {
        let channel = world.keys.hostChannel(shared.hostSessionID)
        let reply = try await world.redis.send(
          RedisCommand("PUBSUB", "SHARDNUMSUB", .string(channel)), key: channel)
        return reply.array?.last?.integer == 0
      }
    }
  }
}

extension World {
  fileprivate func queued(_ shared: Shared) async throws -> String {
    let body = try json(await two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go"))
    return try need(body["approval"]?["id"]?.string)
  }

  /// Attaches in Redis alone; the sessions are not told.
  fileprivate func fence(_ shared: Shared) async throws -> Int {
    try await one.sweeper.runner.host(
      ScriptLibrary.hostAttach, shared.hostSessionID, token: Secrets.digest(shared.hostToken),
      ["lease": .integer(60_000), "bridge": ""]
    ).parts(atLeast: 9).number(0)
  }

  fileprivate func report(
    _ shared: Shared, _ dispatch: DeliveredDispatch, _ state: DispatchReportState
  ) async throws {
    _ = try await two.hostSessions.report(
      shared.hostSessionID, dispatchID: dispatch.id, token: shared.hostToken,
      DispatchReport(state: state, attempt: Int64(dispatch.attempt), error: nil, stopReason: nil))
  }

  /// Brings a host session with two prompts to where a look finds it; the prompt that must be handed out next.
  fileprivate func prepare(
    _ scene: DispatchStepTests.Scene, _ shared: Shared, _ prompts: [String], fence: Int
  ) async throws -> String {
    let (queue, host) = (one.hostSessions.queue, shared.hostSessionID)
    if scene == .twoWait { return prompts[0] }
    guard case .heads(let heads) = try await queue.perform(.readHeads([shared.id]), host, fence: fence) else {
      throw FixtureError("no heads")
    }
    let head = try need(heads.first).dispatch
    _ = try await queue.perform(.take(head), host, fence: fence)
    if scene == .isTaken { return prompts[0] }
    guard case .leased(.handedOut(let attempt, _, _)) = try await queue.perform(.lease(head), host, fence: fence) else {
      throw FixtureError("not handed out")
    }
    switch scene {
    case .isHandedOut: return prompts[0]
    case .isWithdrawnInTheSlot:
      _ = try await two.approvals.withdrawQueued(shared.id, approvalID: head.approval, credentials: shared.host)
      _ = try await queue.perform(.take(head), host, fence: fence)
    default:
      // Its node died before it freed the slot.
      let dispatch = DeliveredDispatch(id: head.dispatch, attempt: attempt)
      try await report(shared, dispatch, .started)
      try await report(shared, dispatch, .completed)
      _ = try await queue.perform(.take(head), host, fence: fence)
    }
    return prompts[1]
  }
}
