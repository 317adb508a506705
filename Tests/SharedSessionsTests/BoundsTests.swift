import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// What happens at each bound of a session.
@Suite struct BoundsTests {
  @Test func theOldestResolvedApprovalsGoAndPendingOnesNever() async throws {
    try await withWorld(configure: { $0.maximumApprovals = 5 }) { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let waiting = try await world.prompt(shared, carl, "waits")
      var resolved: [String] = []
      for number in 0..<9 {
        resolved.append(try await world.prompt(shared, carl, "no \(number)"))
        try await world.reject(shared, try need(resolved.last))
      }
      #expect(try await world.approvalIDs(shared) == Set([waiting] + resolved.suffix(5)))
      #expect(try await world.waiting(shared) == [waiting])
      #expect(
        try await code { try await world.reject(shared, resolved[0]) } == .approvalNotFound)
      // Who decided what stays in the events.
      #expect(try await world.types(shared.id).filter { $0 == "prompt_rejected" }.count == 9)
    }
  }

  @Test func approvalsThatAreOverMakeRoomForBytesAndWhatWaitsIsRefusedRoom() async throws {
    let bound = 20_000
    try await withWorld(configure: { $0.approvalBytesRetained = bound }) { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let text = String(repeating: "x", count: 3_000)
      for _ in 0..<10 { try await world.reject(shared, try await world.prompt(shared, carl, text)) }
      // The bound holds when something new comes; what is said of it when it is decided is a little more.
      #expect(try await world.number(shared.id, "approvalBytes") <= bound + 1_000)
      #expect(try await (4...6).contains(world.approvalIDs(shared).count))
      var waiting: Set<String> = []
      var refusal: ErrorCode?
      while refusal == nil, waiting.count < 20 {
        refusal = try await code { waiting.insert(try await world.prompt(shared, carl, text)) }
      }
      #expect(refusal == .approvalLimit)
      #expect(waiting.count >= 5)
      #expect(try await world.waiting(shared) == waiting)
      #expect(try await world.approvalIDs(shared) == waiting)
      #expect(try await world.number(shared.id, "approvalBytes") < bound + 1_000)
    }
  }

  /// An edit is kept beside the text it replaces, so it needs room of its own.
  @Test func anEditHasTheRoomThatWhatIsOverGivesUpAndElseIsRefused() async throws {
    let bound = 20_000
    try await withWorld(configure: { $0.approvalBytesRetained = bound }) { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let text = String(repeating: "x", count: 3_000)
      var waiting: [String] = []
      while try await code({ waiting.append(try await world.prompt(shared, carl, text)) }) == nil {}
      func approve(_ approval: String, editedPrompt: String?) async throws -> ErrorCode? {
        try await code {
          _ = try await world.two.approvals.resolve(
            shared.id, approvalID: approval, credentials: shared.host, action: .approve, reason: nil,
            editedPrompt: editedPrompt)
        }
      }
      let edited = String(repeating: "y", count: 3_000)
      #expect(try await approve(waiting[0], editedPrompt: edited) == .approvalLimit)
      #expect(try await world.waiting(shared) == Set(waiting), "nothing has changed")
      #expect(try await approve(waiting[0], editedPrompt: nil) == nil, "it can be approved as it is")
      try await world.reject(shared, waiting[1])
      #expect(try await approve(waiting[2], editedPrompt: edited) == nil)
      #expect(try await world.approvalIDs(shared) == Set(waiting).subtracting([waiting[1]]), "what is over made room")
      #expect(try await world.number(shared.id, "approvalBytes") <= bound + 1_000)
      // A rejection always stands, whatever its reason takes.
      _ = try await world.one.approvals.resolve(
        shared.id, approvalID: waiting[3], credentials: shared.host, action: .reject, reason: edited, editedPrompt: nil)
      #expect(try await world.types(shared.id).filter { $0 == "prompt_rejected" }.count == 2)
    }
  }

  @Test func messagesBeyondTheirBytesAreRefusedAndPromptsOfTheHostAreNot() async throws {
    try await withWorld(configure: { $0.maximumMessageBytes = 10_000 }) { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      func post(_ count: Int) async throws -> ErrorCode? {
        try await code {
          _ = try await world.two.sessions.postMessage(
            shared.id, credentials: carl, text: String(repeating: "x", count: count))
        }
      }
      for _ in 0..<4 { #expect(try await post(2_000) == nil) }
      #expect(try await post(2_000) == .messageLimit)
      #expect(try await post(100) == nil)
      let before = try await world.number(shared.id, "messageBytes")
      #expect(before <= 10_000)
      #expect(
        try await code { _ = try await world.prompt(shared, carl, String(repeating: "x", count: 2_000)) }
          == .messageLimit)
      #expect(try await world.number(shared.id, "messageBytes") == before)
      #expect(try await world.approvalIDs(shared).isEmpty)
      _ = try await world.prompt(shared, shared.host, String(repeating: "x", count: 2_000))
    }
  }

  @Test func thoseWhoLeftLongestAgoGoButForThoseWhosePromptsWait() async throws {
    try await withWorld(configure: { $0.maximumDeparted = 3 }) { world in
      let shared = try await world.share()
      let author = try await world.join(shared, "author")
      let approval = try await world.prompt(shared, author)
      _ = try await world.one.sessions.leave(shared.id, credentials: author)
      var left: [String] = []
      for number in 0..<8 {
        let credentials = try await world.join(shared, "user-\(number)")
        _ = try await world.two.sessions.leave(shared.id, credentials: credentials)
        left.append(credentials.participantID)
      }
      let stays = try await world.join(shared, "stays")
      let key = world.keys.session(shared.id, .participants)
      func ids(_ which: SessionKey) async throws -> Set<String> {
        let key = world.keys.session(shared.id, which)
        return Set(
          try need(await world.redis.send(RedisCommand("HKEYS", .string(key)), key: key).array).compactMap(\.string))
      }
      let always = [shared.host.participantID, author.participantID, stays.participantID]
      let kept = try await ids(.participants)
      #expect(kept.isSuperset(of: always))
      #expect(kept == Set(always + left.suffix(kept.count - 3)), "not the oldest have gone")
      #expect(kept.count <= 2 + 3 + 1, "\(key) keeps too many")
      #expect(try await ids(.credentials) == kept)
      try await world.approve(shared, approval)
      let payload = try #require(try await world.events(shared.id).last { $0.type == "prompt_approved" }).payload
      #expect(payload["approval"]?["participantId"]?.string == author.participantID)
    }
  }

  @Test(arguments: [(most: 3, bytes: 1 << 20), (most: 1_000, bytes: 1_500)])
  func theOldestAnswersGo(most: Int, bytes: Int) async throws {
    try await withWorld(configure: { ($0.maximumAnswers, $0.answerBytesRetained) = (most, bytes) }) { world in
      let shared = try await world.share()
      func post(_ number: Int) async throws -> ByteBuffer {
        try await world.nodes[number % 2].sessions.postMessage(
          shared.id, credentials: shared.host, text: "message \(number)",
          idempotency: world.repeatable("k\(number)"))
      }
      var answers: [ByteBuffer] = []
      for number in 0..<20 { answers.append(try await post(number)) }
      let key = world.keys.session(shared.id, .answers)
      let kept = try need(await world.redis.send(RedisCommand("HLEN", .string(key)), key: key).integer)
      #expect((1...min(most, 10)).contains(kept))
      #expect(try await world.number(shared.id, "answerBytes") <= bytes)
      #expect(try await post(19) == answers[19])
      #expect(try await post(20 - kept) == answers[20 - kept])
      // One that is forgotten is a new request.
      #expect(try await post(0) != answers[0])
      #expect(try await world.number(shared.id, "messages") == 21)
    }
  }

  @Test func oneOfTheLastBatchesIsAppendedOnceHoweverOftenItComes() async throws {
    try await withWorld { world in
      let host = try await world.register()
      let shares = [try await world.share(host: host), try await world.share(host: host)]
      func send(_ number: Int, node: Int) async throws {
        _ = try await world.nodes[node].hostSessions.notify(
          host.id, token: host.token, notifications: [try JSONText(validating: "{\"n\":\(number)}")],
          idempotency: world.repeatable("b\(number)", "\(number)"))
      }
      let kept = SharedSessionSettings.batchesKept
      for number in 0..<(kept + 8) { try await send(number, node: number % 2) }
      // A session that came later was not meant.
      let later = try await world.share(host: host)
      for number in (8..<(kept + 8)).shuffled() { try await send(number, node: (number + 1) % 2) }
      for shared in shares {
        let got = try await world.events(shared.id).filter { $0.type == "host_session_update" }
          .compactMap { $0.payload["notification"]?["n"]?.integer }
        #expect(got == (0..<(kept + 8)).map { Int64($0) })
      }
      #expect(try await !world.types(later.id).contains("host_session_update"))
    }
  }

  @Test func aSnapshotThatCannotHoldEverythingHoldsWhatWaitsFirst() async throws {
    try await withWorld(configure: { $0.snapshotLimit = 3 }) { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let waiting = [try await world.prompt(shared, carl, "1"), try await world.prompt(shared, carl, "2")]
      var last = ""
      for number in 0..<6 {
        last = try await world.prompt(shared, carl, "no \(number)")
        try await world.reject(shared, last)
      }
      let body = try json(await world.two.sessions.snapshot(shared.id, reader: .trusted))
      #expect(body["truncated"]?.bool == true)
      #expect(body["approvals"]?.elements.map { $0["id"]?.string } == [last, waiting[1], waiting[0]])
      // One that waits for its dispatch comes before what is over, too.
      try await world.approve(shared, waiting[0])
      let after = try json(await world.two.sessions.snapshot(shared.id, reader: .trusted))
      #expect(after["approvals"]?.elements.compactMap { $0["id"]?.string } == [last, waiting[1], waiting[0]])
    }
  }

  @Test func aSnapshotThatIsShortOfBytesHoldsWhatWaitsFirst() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let carl = try await world.join(shared, "carl")
      let text = String(repeating: "x", count: 1_000)
      let waiting = [try await world.prompt(shared, carl, text), try await world.prompt(shared, carl, text)]
      var over: [String] = []
      for _ in 0..<4 {
        over.append(try await world.prompt(shared, carl, text))
        try await world.reject(shared, try need(over.last))
      }
      for (bytes, expected) in [
        (100_000, over.reversed() + waiting.reversed()), (4_400, [over[3], waiting[1], waiting[0]]),
        (2_900, [waiting[1], waiting[0]]), (1_500, [waiting[1]]), (10, [waiting[1]]),
      ] {
        let found = try await world.snapshotApprovals(shared, bytes: bytes)
        #expect(found.ids == expected, "\(bytes) bytes")
        #expect(found.isCut == (expected.count < 6))
      }
    }
  }
}

extension World {
  /// The ids of the approvals of a snapshot that may hold so many bytes of them, and whether something was left out.
  func snapshotApprovals(_ shared: Shared, bytes: Int) async throws -> (ids: [String], isCut: Bool) {
    let parts = try await two.sessions.runner.session(
      ScriptLibrary.sessionSnapshot, shared.id, ["most": 1_000, "most_bytes": .integer(bytes)]
    ).parts(atLeast: 7)
    let approvals = try JSONText(validating: parts.part(2))
    return (approvals.elements.compactMap { $0["id"]?.string }, try parts.text(4) == "true")
  }

  func reject(_ shared: Shared, _ approvalID: String) async throws {
    _ = try await one.approvals.resolve(
      shared.id, approvalID: approvalID, credentials: shared.host, action: .reject, reason: nil, editedPrompt: nil)
  }

  /// The ids of all approvals that are kept.
  func approvalIDs(_ shared: Shared) async throws -> Set<String> {
    let key = keys.session(shared.id, .approvals)
    let fields = try need(await redis.send(RedisCommand("HKEYS", .string(key)), key: key).array).compactMap(\.string)
    return Set(fields.filter { !$0.contains(":") })
  }

  /// The ids of those that wait for a decision.
  func waiting(_ shared: Shared) async throws -> Set<String> {
    let approvals = try json(await two.sessions.snapshot(shared.id, reader: .trusted))["approvals"]
    return Set(
      (approvals?.elements ?? []).filter { $0["status"]?.string == "pending" }.compactMap { $0["id"]?.string })
  }
}
