import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// What becomes of prompts that wait for a host which went offline. Nobody waits here: what is long ago is written so.
@Suite struct GraceTests {
  @Test func whatWaitsFailsOnceWhenTheHostStaysAway() async throws {
    try await withWorld { world in
      let host = try await world.register()
      let shares = [try await world.share(host: host), try await world.share(host: host)]
      for shared in shares + shares { try await world.queue(shared) }
      try await world.visit(shares[0])
      try await world.lapse(host.id)
      for shared in shares {
        let last = try #require(try await world.events(shared.id).last)
        #expect(last.type == "host_offline")
        #expect(last.payload["graceEndsAt"]?.string?.hasSuffix("Z") == true)
        try await world.backdate(shared.id)
      }
      async let one: Void = world.one.sweeper.sweep()
      async let two: Void = world.two.sweeper.sweep()
      _ = try await (one, two)
      for shared in shares {
        let failed = try await world.events(shared.id).filter { $0.type == "prompt_dispatch_failed" }
        #expect(failed.count == 2)
        let said = "the host went offline and did not come back within 5 minutes"
        #expect(failed.allSatisfy { $0.payload["error"]?.string == said })
        let approvals = try json(await world.one.sessions.snapshot(shared.id, reader: .trusted))["approvals"]
        #expect(approvals?.elements.allSatisfy { $0["status"]?.string == "failed" } == true)
        #expect(approvals?.elements.allSatisfy { $0["errorMessage"]?.string == said } == true)
      }
    }
  }

  @Test func aHostThatComesBackInTimeTakesOverWhereItWas() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let order = [try await world.queue(shared), try await world.queue(shared)]
      try await world.visit(shared)
      try await world.lapse(shared.hostSessionID)
      try await world.due(shared.id)
      try await world.two.sweeper.sweep()
      try await withBridge(world, shared) { bridge in
        for approval in order {
          let dispatch = try await bridge.nextDispatch()
          #expect(dispatch["approvalId"]?.string == approval)
          try await bridge.report(dispatch, .started)
          try await bridge.report(dispatch, .completed)
        }
      }
      let types = try await world.types(shared.id)
      #expect(types.filter { $0.hasPrefix("host_") } == ["host_online", "host_offline", "host_online"])
      #expect(!types.contains("prompt_dispatch_failed"))
    }
  }

  @Test(arguments: [PromptDelivery.queue, .interrupt])
  func aPromptApprovedMeanwhileCountsFromItsApproval(_ delivery: PromptDelivery) async throws {
    try await withWorld { world in
      let shared = try await world.share()
      try await world.visit(shared)
      try await world.lapse(shared.hostSessionID)
      try await world.set(world.keys.session(shared.id), "hostOfflineAt", "1")
      let approval = try await world.queue(shared, delivery)
      let approved = try await world.approved(shared.id, approval)
      #expect(try await world.sweepSession(shared.id).next == approved + 300_000)
    }
  }

  @Test func aSessionSharedWhileTheHostIsAwayHasTheGraceTimeToo() async throws {
    try await withWorld { world in
      let host = try await world.register()
      try await world.visit(try await world.share(host: host))
      try await world.lapse(host.id)
      let shared = try await world.share(host: host)
      let approval = try await world.queue(shared)
      let approved = try await world.approved(shared.id, approval)
      #expect(try await world.sweepSession(shared.id).next == approved + 300_000)
      #expect(try await !world.types(shared.id).contains("host_offline"))
    }
  }

  /// `attached`: whether a bridge has ever been there; then the earlier of the two times counts.
  @Test(arguments: [
    (attached: false, grace: 60, expected: 600), (true, 0, 600), (true, 601, 600), (true, 599, 599),
  ])
  func onlyTheTimeOutOrTheEarlierDeadlineCounts(attached: Bool, grace: Int, expected: Int) async throws {
    try await withWorld(configure: { $0.hostGrace = .seconds(grace) }) { world in
      let shared = try await world.share()
      if attached {
        try await world.visit(shared)
        try await world.lapse(shared.hostSessionID)
        let ends = try #require(try await world.events(shared.id).last).payload["graceEndsAt"]
        #expect((ends != nil) == (grace > 0))
      }
      let approval = try await world.queue(shared)
      let approved = try await world.approved(shared.id, approval)
      // The order of the queue is taken a moment after the time of the script.
      let next = try #require(try await world.sweepSession(shared.id).next)
      #expect((0...1).contains(approved + expected * 1_000 - next))
    }
  }

  @Test func comingBackAtTheVeryMomentHasOneOutcome() async throws {
    try await withWorld { world in
      var outcomes: Set<String> = []
      for _ in 0..<20 {
        let shared = try await world.share()
        let approval = try await world.queue(shared)
        try await world.visit(shared)
        try await world.lapse(shared.hostSessionID)
        try await world.backdate(shared.id)
        let look = Task { try await world.sweepSession(shared.id) }
        try await withBridge(world, shared) { bridge in
          if try await look.value.failed == 1 {
            outcomes.insert("failed")
            let next = try await world.queue(shared)
            #expect(try await bridge.nextDispatch()["approvalId"]?.string == next)
          } else {
            outcomes.insert("delivered")
            #expect(try await bridge.nextDispatch()["approvalId"]?.string == approval)
          }
        }
        let failed = try await world.types(shared.id).filter { $0 == "prompt_dispatch_failed" }.count
        let approvals = try json(await world.one.sessions.snapshot(shared.id, reader: .trusted))["approvals"]
        let state = approvals?.elements.first { $0["id"]?.string == approval }?["dispatch"]?["state"]?.string
        #expect((failed == 1) == (state == "failed"))
      }
      #expect(!outcomes.isEmpty)
    }
  }

  @Test func moreThanOneBatchFailsWithoutADelay() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      for _ in 0..<105 { try await world.queue(shared) }
      try await world.visit(shared)
      try await world.lapse(shared.hostSessionID)
      try await world.backdate(shared.id)
      try await world.two.sweeper.sweep()
      let score = try await world.redis.send(
        RedisCommand("ZSCORE", .string(world.deadlines(shared.id)), .string(shared.id)), key: world.deadlines(shared.id)
      )
      #expect(try #require(score.integer) <= (try await world.one.sweeper.runner.now()))
      try await world.two.sweeper.sweep()
      #expect(try await world.types(shared.id).filter { $0 == "prompt_dispatch_failed" }.count == 105)
    }
  }

  @Test func aSessionThatHasNotHeardOfItsHostHearsOfItBeforeAnythingIsGivenUp() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      try await world.queue(shared)
      try await world.visit(shared)
      try await world.lapse(shared.hostSessionID)
      try await world.backdate(shared.id)
      // A node that took a new attachment and died before it told anybody.
      let key = world.keys.host(shared.hostSessionID)
      let later = try await world.one.sweeper.runner.now() + 60_000
      try await world.set(key, "leaseUntil", String(later))
      try await world.set(key, "fence", "7")
      try await world.two.sweeper.sweep()
      let types = try await world.types(shared.id)
      #expect(types.last == "host_online")
      #expect(!types.contains("prompt_dispatch_failed"))
    }
  }

  @Test(arguments: [
    (300_000, "5 minutes"), (60_000, "1 minute"), (90_000, "90 seconds"), (7_200_000, "2 hours"),
    (86_400_000, "1 day"), (1_500, "1500 milliseconds"),
  ])
  func aLengthOfTimeIsSaidInItsLargestUnit(milliseconds: Int, words: String) {
    #expect(Duration.milliseconds(milliseconds).inWords == words)
  }
}

extension World {
  /// An approved prompt of the host; its id.
  @discardableResult
  fileprivate func queue(_ shared: Shared, _ delivery: PromptDelivery = .queue) async throws -> String {
    let body = try json(
      await two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go", delivery: delivery))
    return try need(body["approval"]?["id"]?.string)
  }

  /// A bridge attaches, and is gone before it has started anything.
  fileprivate func visit(_ shared: Shared) async throws {
    let attachment = try await one.hostSessions.attach(shared.hostSessionID, token: shared.hostToken, bridgeID: "b")
    let running = Task { await attachment.run() }
    for await _ in attachment.messages { break }
    running.cancel()
    await running.value
  }

  /// The lease ends now, and a node notices.
  fileprivate func lapse(_ hostSessionID: String) async throws {
    try await set(keys.host(hostSessionID), "leaseUntil", "1")
    let leases = keys.leases(bucket: KeyLayout.bucket(of: hostSessionID))
    _ = try await redis.send(RedisCommand("ZADD", .string(leases), "1", .string(hostSessionID)), key: leases)
    try await one.sweeper.sweep()
  }

  /// The host has been away, and all prompts have waited, for very long; a node looks at the session next.
  fileprivate func backdate(_ id: String) async throws {
    try await set(keys.session(id), "hostOfflineAt", "1")
    let key = keys.session(id, .queue)
    let queue = try await redis.send(RedisCommand("ZRANGE", .string(key), "0", "-1"), key: key)
    for approval in queue.array?.compactMap(\.string) ?? [] {
      _ = try await redis.send(RedisCommand("ZADD", .string(key), "1000", .string(approval)), key: key)
    }
    try await due(id)
  }

  fileprivate func due(_ id: String) async throws {
    _ = try await redis.send(RedisCommand("ZADD", .string(deadlines(id)), "1", .string(id)), key: deadlines(id))
  }

  fileprivate func deadlines(_ id: String) -> String { keys.deadlines(bucket: KeyLayout.bucket(of: id)) }

  fileprivate func set(_ key: String, _ field: String, _ value: String) async throws {
    _ = try await redis.send(RedisCommand("HSET", .string(key), .string(field), .string(value)), key: key)
  }

  /// When a prompt was approved, in milliseconds.
  fileprivate func approved(_ id: String, _ approval: String) async throws -> Int {
    let key = keys.session(id, .queue)
    let score = try await redis.send(RedisCommand("ZSCORE", .string(key), .string(approval)), key: key)
    return try abs(need(score.string.flatMap(Int.init))) / 1_000
  }
}
