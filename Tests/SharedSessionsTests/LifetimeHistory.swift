import Basics
import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// One random history of a session, with what must hold after each of its steps. Used by one task at a time.
final class LifetimeHistory {
  private let world: World
  private let shared: Shared
  private let bridge: ScriptedBridge
  private let seed: UInt64
  private var numbers: SeededGenerator
  private var isOver = false
  private var isHostGone = false
  private var users = 0
  private var people: [ParticipantCredentials] = []
  private var pending: [String] = []
  private var queued = 0
  private var running: JSONText?
  private var asked: [String] = []
  private var kept: [(key: String, author: ParticipantCredentials, text: String, answer: ByteBuffer)] = []
  private var done: [String] = []

  init(world: World, shared: Shared, bridge: ScriptedBridge, seed: UInt64) {
    (self.world, self.shared, self.bridge, self.seed) = (world, shared, bridge, seed)
    numbers = SeededGenerator(seed: seed)
  }

  private var node: SharedSessionsDomain { world.nodes[Int.random(in: 0...1, using: &numbers)] }
  private var somebody: ParticipantCredentials { people.randomElement(using: &numbers) ?? shared.host }

  /// One step of any kind; after the end most are refused, which changes nothing.
  func step() async throws {
    let steps: [(String, Int, () async throws -> Void)] = [
      ("join", 4, join), ("leave", 2, leave), ("remove", 1, remove), ("comment", 5, comment), ("repeat", 2, again),
      ("prompt", 6, prompt), ("approve", 4, { try await self.resolve(.approve) }),
      ("reject", 2, { try await self.resolve(.reject) }), ("invite", 1, invite), ("extend", 3, extend),
      ("turn", 5, turn), ("ask", 2, ask), ("presence", 2, presence), ("notify", 3, notify), ("sweep", 1, sweep),
      ("end", isOver ? 0 : 1, end),
    ]
    var at = Int.random(in: 0..<steps.reduce(0) { $0 + $1.1 }, using: &numbers)
    for (name, weight, body) in steps {
      at -= weight
      guard at < 0 else { continue }
      done.append(name)
      let refusal = try await code(body)
      let allowed: Set<ErrorCode?> =
        isOver ? [nil, .sessionInactive, .hostSessionNotFound] : [nil]
      #expect(allowed.contains(refusal), "seed \(seed): \(refusal as Any) after \(done)")
      return try await check()
    }
  }

  /// Ends the session in one of its ways, unless it has ended.
  func end() async throws {
    guard !isOver else { return }
    let way = Int.random(in: 0...3, using: &numbers)
    done.append("end \(way)")
    isOver = true
    switch way {
    case 0: _ = try await node.sessions.close(shared.id, credentials: shared.host)
    case 1: _ = try await node.sessions.leave(shared.id, credentials: shared.host)
    case 2:
      _ = try await node.hostSessions.delete(shared.hostSessionID, token: shared.hostToken)
      (isHostGone, running) = (true, nil)
    default:
      let past = try await node.sessions.runner.now() - 1
      try await world.setEnd(shared.id, past)
      // Ended for every call already; a sweeper records it.
      try await expectRefusals(.sessionInactive)
      try await sweep()
    }
    queued = 0
    try await check()
  }

  /// Time passes beyond the retention: all keys have one end, which comes.
  func vanish() async throws {
    for key in try await world.sessionKeys(shared.id).keys {
      _ = try await world.redis.send(RedisCommand("PEXPIREAT", .string(key), 1), key: key)
    }
  }

  /// Every call is refused with this code; a repeat is still answered as at first, while the answer is kept.
  func expectRefusals(_ expected: ErrorCode) async throws {
    for call in world.calls(shared, as: somebody) {
      #expect(try await code(call.make) == expected, "seed \(seed): \(call.route) after \(done)")
    }
    if expected == .sessionInactive { try await again() }
  }

  // MARK: Steps

  private func join() async throws {
    users += 1
    people.append(try await world.join(shared, "user-\(users)"))
    if Bool.random(using: &numbers) { _ = try await world.join(shared, "user-\(users)") }
  }

  private func leave() async throws {
    guard let person = people.randomElement(using: &numbers) else { return }
    _ = try await node.sessions.leave(shared.id, credentials: person)
    people.removeAll { $0 == person }
  }

  private func remove() async throws {
    guard let person = people.randomElement(using: &numbers) else { return }
    _ = try await node.sessions.remove(shared.id, participantID: person.participantID, credentials: shared.host)
    people.removeAll { $0 == person }
  }

  private func comment() async throws {
    let (author, key) = (somebody, "k-\(done.count)")
    let text = String(repeating: "\"é\\", count: Int.random(in: 1...200, using: &numbers))
    let answer = try await node.sessions.postMessage(
      shared.id, credentials: author, text: text, idempotency: world.repeatable(key))
    kept.append((key, author, text, answer))
  }

  private func again() async throws {
    guard let request = kept.randomElement(using: &numbers) else { return }
    let answer = try await node.sessions.postMessage(
      shared.id, credentials: request.author, text: request.text, idempotency: world.repeatable(request.key))
    #expect(answer == request.answer, "seed \(seed): another answer after \(done)")
  }

  private func prompt() async throws {
    let author = somebody
    let id = try await world.prompt(shared, author, "do \(done.count)")
    if author == shared.host { queued += 1 } else { pending.append(id) }
    try await takeTurn()
  }

  private func resolve(_ action: ApprovalAction) async throws {
    guard let id = pending.randomElement(using: &numbers) else { return }
    _ = try await node.approvals.resolve(
      shared.id, approvalID: id, credentials: shared.host, action: action, reason: nil, editedPrompt: nil)
    pending.removeAll { $0 == id }
    if action == .approve { queued += 1 }
    try await takeTurn()
  }

  private func invite() async throws {
    _ = try await node.sessions.createInvite(shared.id, CreateInvite(label: "x"), credentials: shared.host)
  }

  private func extend() async throws {
    _ = try await node.sessions.update(
      shared.id, credentials: shared.host, mode: nil,
      expiresInMinutes: [0, 0, 1, 30, 119, 120].randomElement(using: &numbers))
  }

  private func presence() async throws {
    let who = somebody.participantID
    let streams: Int? = Bool.random(using: &numbers) ? Int.random(in: 0...3, using: &numbers) : nil
    try await node.presence.set(shared.id, participantID: who, streams: streams)
  }

  private func notify() async throws {
    _ = try await node.hostSessions.notify(
      shared.hostSessionID, token: shared.hostToken,
      notifications: (0..<Int.random(in: 1...4, using: &numbers)).map { try JSONText(validating: "{\"n\":\($0)}") },
      idempotency: world.repeatable("batch \(done.count)"))
  }

  /// The turn that runs ends, also after the session has.
  private func turn() async throws {
    guard let dispatch = running else { return }
    try await bridge.report(dispatch, Bool.random(using: &numbers) ? .completed : .failed, error: "no")
    (running, asked) = (nil, [])
    try await takeTurn()
  }

  private func ask() async throws {
    guard let running else { return }
    let turn = RunningTurn(world: world, shared: shared, author: shared.host, bridge: bridge, dispatch: running)
    asked.append(try await turn.asked())
    if Bool.random(using: &numbers) { try await turn.answer(asked.removeLast(), "once") }
  }

  /// A sweeper looks at the session now.
  private func sweep() async throws {
    let bucket = world.keys.deadlines(bucket: KeyLayout.bucket(of: shared.id))
    _ = try await world.redis.send(RedisCommand("ZADD", .string(bucket), "XX", "1", .string(shared.id)), key: bucket)
    try await node.sweeper.sweep()
  }

  /// The bridge starts the next turn when none runs.
  private func takeTurn() async throws {
    guard running == nil, queued > 0, !isOver else { return }
    while running == nil {
      let frame = try json(try need(await bridge.nextFrame()))
      if frame["type"]?.string == "dispatch" { running = frame["payload"] }
    }
    queued -= 1
    try await bridge.report(try need(running), .started)
  }

  // MARK: What must hold

  private func check() async throws {
    let (id, settings) = (shared.id, world.one.settings)
    let ends = try await world.sessionKeys(id)
    let purge = try await world.number(id, "purgeAt")
    #expect(Set(ends.keys).isSubset(of: world.allKeys(of: id)), "seed \(seed): \(ends.keys) after \(done)")
    let others = ends.filter { $0.value != purge }
    #expect(others.isEmpty, "seed \(seed): not at \(purge) end \(others) after \(done)")
    let last = try await world.number(id, "createdAt") + Int(settings.maximumLifetime.wholeMilliseconds)
    #expect(try await world.number(id, "endsAt") <= last, "seed \(seed): lives too long after \(done)")
    #expect(purge <= last + Int(settings.retention.wholeMilliseconds), "seed \(seed): stays too long after \(done)")
    try await checkCounts()
    let types = try await world.types(id)
    let closings = types.indices.filter { types[$0] == "session_closed" }
    #expect(closings.count == (isOver ? 1 : 0), "seed \(seed): \(types) after \(done)")
    if let closing = closings.first {
      // A turn that already ran is recorded to its end.
      #expect(
        types[(closing + 1)...].allSatisfy { $0.hasPrefix("prompt_dispatch_") },
        "seed \(seed): \(types.suffix(5)) after \(done)")
    }
  }

  /// What the session counts is what is there.
  private func checkCounts() async throws {
    let key = { [world, shared] in world.keys.session(shared.id, $0) }
    func values(_ which: SessionKey) async throws -> [(field: String, size: Int)] {
      let flat = try need(await world.redis.send(RedisCommand("HGETALL", .string(key(which))), key: key(which)).array)
      return try stride(from: 0, to: flat.count, by: 2).map {
        (try need(flat[$0].string), try need(flat[$0 + 1].bytes).readableBytes)
      }
    }
    let approvals = try await values(.approvals).filter { !$0.field.contains(":") }.reduce(0) { $0 + $1.size }
    #expect(approvals == (try await world.number(shared.id, "approvalBytes")), "seed \(seed): after \(done)")
    let order = try await world.redis.send(RedisCommand("ZCARD", .string(key(.order))), key: key(.order)).integer
    let records = try await values(.approvals).count { !$0.field.contains(":") }
    #expect(order == records, "seed \(seed): approvals without a place after \(done)")
    if !kept.isEmpty {
      let answers = try await values(.answers).reduce(0) { $0 + $1.size }
      #expect(answers == (try await world.number(shared.id, "answerBytes")), "seed \(seed): after \(done)")
    }
    let entries = try await world.redis.send(RedisCommand("XLEN", .string(key(.messages))), key: key(.messages))
    #expect(entries.integer == (try await world.number(shared.id, "messages")), "seed \(seed): after \(done)")
  }
}
