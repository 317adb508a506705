import JSONText
import NIOCore
import RedisClient
import SharedSessions
import TestSupport

/// One round of everything that is measured, in a session of its own: microseconds of Redis for each. A value.
struct DomainRound {
  /// What is measured, in the order it is shown, and how many times the plain script it may take.
  static let goals: [(name: String, goal: String?)] = [
    ("plain", nil), ("message_post", "1.30"), ("notifications_append", "0.80"), ("prompt_submit", "2.00"),
    ("approval_resolve", "2.00"), ("approve, all its scripts", nil), ("stream_authorize", "0.60"),
  ]

  let domain: SharedSessionsDomain
  let client: RedisClient
  private static let text = String(repeating: "x", count: 250)

  func run() async throws -> [(String, Double)] {
    let (text, times) = (Self.text, 100)
    let host = "round-\(UInt32.random(in: 0 ... .max))"
    let session = try await Session(domain, host: host)
    let author = try await session.join("author")
    var results: [(String, Double)] = []
    func measure(_ name: String, per count: Int = 1, _ body: (Int) async throws -> Void) async throws {
      let stats = RedisStatistics(client: client)
      try await stats.reset()
      for number in 0..<times { try await body(number) }
      results.append((name, Double(try await stats.scripts()) / Double(times * count)))
    }

    try await measure("plain") { try await plain(session.id, "\($0)") }
    try await measure("message_post") { _ in
      _ = try await domain.sessions.postMessage(session.id, credentials: author, text: text)
    }
    let batch = try (0..<16).map { _ in try JSONText(validating: "{\"text\":\"\(text)\"}") }
    // The script that says where a batch goes is part of it.
    try await measure("notifications_append", per: 16) { _ in
      _ = try await domain.hostSessions.notify(host, token: session.hostToken, notifications: batch)
    }
    var approvals: [String] = []
    try await measure("prompt_submit") { _ in
      let reply = try await domain.approvals.submitPrompt(session.id, credentials: author, prompt: text)
      approvals.append(try Session.field("id", of: reply, after: "approval"))
    }
    try await measure("approval_resolve") { try await resolve(approvals[$0], .reject, in: session) }
    let others = try await session.prompts(times, by: author, text)
    try await measure("approve, all its scripts") { try await resolve(others[$0], .approve, in: session) }
    try await measure("stream_authorize") { _ in
      _ = try await domain.events.authorize(session.id, access: .credentials(author), hasCursor: false)
    }
    _ = try await domain.sessions.close(session.id, credentials: session.host)
    return results
  }

  private func resolve(_ approvalID: String, _ action: ApprovalAction, in session: Session) async throws {
    _ = try await domain.approvals.resolve(
      session.id, approvalID: approvalID, credentials: session.host, action: action, reason: nil, editedPrompt: nil)
  }

  /// What a write of the domain does, without its rules.
  private static let script = RedisScript(
    name: "plain",
    source: """
      #!lua
      local session = redis.call('HMGET', KEYS[1], 'status', 'mode', 'seq', 'endsAt')
      redis.call('HGET', KEYS[1], 'lastEventId')
      local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
      redis.call('HSET', KEYS[2], 'id', ARGV[1], 'a', ARGV[2], 'b', 'value', 'c', 'value', 'd', 'value', 'e', 'value',
        'f', 'value', 'g', 'value')
      redis.call('ZADD', KEYS[3], seq, ARGV[1])
      local id = redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 'seq', seq, 'data', ARGV[2])
      redis.call('SPUBLISH', KEYS[1] .. ':live', ARGV[2])
      return {id, seq}
      """)

  private func plain(_ id: String, _ member: String) async throws {
    let key = "plain:{\(id)}"
    _ = try await client.evaluate(
      Self.script, keys: [key, "\(key):record:\(member)", "\(key):order", "\(key):events"],
      arguments: [.string(member), .string(Self.text)])
  }
}

extension DomainRound {
  /// A shared session of a host session, and its people. Immutable.
  struct Session: Sendable {
    let id: String
    let host: ParticipantCredentials
    let hostToken: String
    private let invite: String
    private let domain: SharedSessionsDomain

    init(_ domain: SharedSessionsDomain, host hostSessionID: String) async throws {
      self.domain = domain
      var token = ""
      if !hostSessionID.hasPrefix("size-") {
        let registered = try await domain.hostSessions.register(
          RegisterHostSession(userID: "u", hostSessionID: hostSessionID))
        token = try Self.field("hostToken", of: registered.body)
      }
      hostToken = token
      let created = try await domain.sessions.create(CreateSession(hostSessionID: hostSessionID, hostUserID: "u"))
      id = try Self.field("id", of: created, after: "session")
      host = try Self.credentials(created, "hostParticipant")
      invite = try Self.field("inviteToken", of: created)
    }

    func join(_ user: String) async throws -> ParticipantCredentials {
      let joined = try await domain.sessions.join(id, JoinSession(inviteToken: invite, userID: user))
      return try Self.credentials(joined, "participant")
    }

    /// Pending prompts; their approvals' ids.
    func prompts(_ count: Int, by author: ParticipantCredentials, _ text: String) async throws -> [String] {
      var ids: [String] = []
      for _ in 0..<count {
        let reply = try await domain.approvals.submitPrompt(id, credentials: author, prompt: text)
        ids.append(try Self.field("id", of: reply, after: "approval"))
      }
      return ids
    }

    private static func credentials(_ reply: ByteBuffer, _ mark: String) throws -> ParticipantCredentials {
      ParticipantCredentials(
        participantID: try field("id", of: reply, after: mark), token: try field("accessToken", of: reply, after: mark))
    }

    /// The first text of a name in a reply, behind the beginning of an object.
    static func field(_ name: String, of reply: ByteBuffer, after mark: String? = nil) throws -> String {
      let text = String(buffer: reply)
      let start = mark.map { text.firstRange(of: "\"\($0)\":{")?.upperBound } ?? text.startIndex
      guard let start, let value = text[start...].firstRange(of: "\"\(name)\":\"") else {
        throw FixtureError("No \(name) in \(text)")
      }
      return String(text[value.upperBound...].prefix { $0 != "\"" })
    }
  }
}
