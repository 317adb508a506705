import JSONText
import NIOCore
import RedisClient
import TestSupport

@testable import SharedSessions

/// One call of a route. Sendable: immutable.
struct SessionCall: Sendable {
  let route: String
  let make: @Sendable () async throws -> Void

  init(_ route: String, _ make: @escaping @Sendable () async throws -> Void) {
    (self.route, self.make) = (route, make)
  }
}

extension World {
  /// All keys with a session's tag that exist at one moment, each with its end in milliseconds (-1 never).
  func sessionKeys(_ id: String) async throws -> [String: Int] {
    // Redis's clock stands still in a script, so keys that end together are seen together.
    let script = RedisScript(
      name: "keys",
      source: """
        #!lua flags=allow-cross-slot-keys,no-writes
        local found = {}
        for _, key in ipairs(redis.call('KEYS', '*{' .. ARGV[1] .. '}*')) do
          found[#found + 1] = key
          found[#found + 1] = redis.call('PEXPIRETIME', key)
        end
        return found
        """, isReadOnly: true)
    let flat = try need(await redis.evaluate(script, keys: [], arguments: [.string(id)]).array)
    var ends: [String: Int] = [:]
    for i in stride(from: 0, to: flat.count, by: 2) { ends[try need(flat[i].string)] = try need(flat[i + 1].integer) }
    return ends
  }

  /// The names a session may use.
  func allKeys(of id: String) -> Set<String> { Set(SessionKey.allCases.map { keys.session(id, $0) }) }

  /// A number in the session's hash, also one of those that stand together in `state`.
  func number(_ id: String, _ field: String) async throws -> Int {
    let key = keys.session(id)
    let rules = ["endsAt": 2, "purgeAt": 3]
    let log = ["seq": 1, "eventBytes": 2, "messages": 3, "messageBytes": 4, "approvalBytes": 5]
    if let place = rules[field] ?? log[field] {
      let text = try need(try await redis.send(RedisCommand("HGET", .string(key), "state"), key: key).string)
      let lines = text.split(separator: "\n")
      let words = rules[field] != nil ? lines[0].split(separator: " ") : lines[1].split { $0 == " " || $0 == "-" }
      return try need(Int(words[place]))
    }
    return try need(try await redis.send(RedisCommand("HGET", .string(key), .string(field)), key: key).integer)
  }

  /// A keyed request of somebody.
  func repeatable(_ key: String, _ body: String = "{}") -> IdempotencyRequest {
    IdempotencyRequest(key: key, route: "POST x", caller: "somebody", body: ByteBuffer(string: body))
  }

  /// A session in which every key exists.
  func shareWithAllKeys() async throws -> Shared {
    let shared = try await share(minutes: 30)
    let carl = try await join(shared, "carl")
    _ = try await one.sessions.createInvite(shared.id, CreateInvite(), credentials: shared.host)
    _ = try await one.sessions.postMessage(
      shared.id, credentials: carl, text: "hi", idempotency: repeatable("k-all"))
    try await one.presence.set(shared.id, participantID: carl.participantID, streams: 1)
    try await approve(shared, try await prompt(shared, carl))
    return shared
  }

  /// Every call that needs an active session, by route, as this caller.
  func calls(_ shared: Shared, as caller: ParticipantCredentials) -> [SessionCall] {
    let (world, id, some) = (self, shared.id, Secrets.newID())
    let (sessions, approvals, reader) = (world.two.sessions, world.two.approvals, Reader.participant(caller))
    return [
      SessionCall("GET") { _ = try await sessions.snapshot(id, reader: reader) },
      SessionCall("GET as the key's holder") { _ = try await sessions.snapshot(id, reader: .trusted) },
      SessionCall("PATCH") {
        _ = try await sessions.update(id, credentials: caller, mode: .viewOnly, expiresInMinutes: 10)
      },
      SessionCall("DELETE") { _ = try await sessions.close(id, credentials: caller) },
      SessionCall("join") { _ = try await sessions.join(id, JoinSession(inviteToken: shared.invite, userID: "late")) },
      SessionCall("leave") { _ = try await sessions.leave(id, credentials: caller) },
      SessionCall("participants") { _ = try await sessions.participants(id, reader: reader) },
      SessionCall("PATCH participant") {
        _ = try await sessions.changeRole(id, participantID: some, role: .viewer, credentials: caller)
      },
      SessionCall("DELETE participant") { _ = try await sessions.remove(id, participantID: some, credentials: caller) },
      SessionCall("host") { _ = try await sessions.handOver(id, participantID: some, credentials: caller) },
      SessionCall("invite") { _ = try await sessions.rotateInvite(id, credentials: caller) },
      SessionCall("POST invites") { _ = try await sessions.createInvite(id, CreateInvite(), credentials: caller) },
      SessionCall("GET invites") { _ = try await sessions.invites(id, credentials: caller) },
      SessionCall("DELETE invite") { _ = try await sessions.revokeInvite(id, inviteID: some, credentials: caller) },
      SessionCall("stream-tickets") { _ = try await sessions.createTicket(id, credentials: caller) },
      SessionCall("GET messages") { _ = try await sessions.messages(id, reader: reader, after: nil, limit: 10) },
      SessionCall("POST messages") { _ = try await sessions.postMessage(id, credentials: caller, text: "late") },
      SessionCall("prompts") { _ = try await approvals.submitPrompt(id, credentials: caller, prompt: "late") },
      SessionCall("approvals") {
        _ = try await approvals.resolve(
          id, approvalID: some, credentials: caller, action: .approve, reason: nil, editedPrompt: nil)
      },
      SessionCall("withdraw") { _ = try await approvals.withdraw(id, approvalID: some, credentials: caller) },
      SessionCall("queue") { _ = try await approvals.queue(id, reader: reader) },
      SessionCall("DELETE queue") { _ = try await approvals.withdrawQueued(id, approvalID: some, credentials: caller) },
      SessionCall("cancel") { _ = try await approvals.cancelTurn(id, credentials: caller) },
      SessionCall("stream") {
        _ = try await world.two.events.authorize(id, access: .credentials(caller), hasCursor: false)
      },
    ]
  }
}
