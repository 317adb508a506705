import Basics
import JSONText
import Logging
import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import TestSupport

@testable import SharedSessions

/// Two nodes' domains on one private Redis, and short ways to call them. Sendable: immutable.
struct World: Sendable {
  let server: RedisServer
  let redis: RedisClient
  /// Two nodes: what one does the other must see.
  let nodes: [SharedSessionsDomain]
  var one: SharedSessionsDomain { nodes[0] }
  var two: SharedSessionsDomain { nodes[1] }
  var keys: KeyLayout { one.keys }
}

/// Runs `body` with a world; sweepers run only where a test asks for them.
func withWorld<Value: Sendable>(
  sweeping: Bool = false, configure: (inout SharedSessionSettings) -> Void = { _ in },
  _ body: @Sendable (World) async throws -> Value
) async throws -> Value {
  try await withRedisServer { server in
    var settings = SharedSessionSettings()
    settings.sweepInterval = .milliseconds(50)
    configure(&settings)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    var configuration = server.configuration
    // A busy machine may take its time to connect; no test of the domain is about that.
    configuration.connectionWait = .seconds(20)
    let clients = (0..<2).map { [configuration] _ in
      RedisClient(
        configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }
    let nodes = clients.map { SharedSessionsDomain(redis: $0, settings: settings, logger: logger) }
    let world = World(server: server, redis: clients[0], nodes: nodes)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      for client in clients { tasks.addTask { try await client.run() } }
      if sweeping { for node in nodes { tasks.addTask { try await node.run() } } }
      let value = try await body(world)
      tasks.cancelAll()
      return value
    }
  }
}

/// A host session with a shared session of it.
struct Shared: Sendable {
  let hostSessionID: String
  let hostToken: String
  let id: String
  let invite: String
  let host: ParticipantCredentials
}

extension World {
  func register(_ id: String? = nil) async throws -> (id: String, token: String) {
    let reply = try await one.hostSessions.register(RegisterHostSession(userID: "hana", hostSessionID: id))
    let body = try json(reply.body)
    return (try need(body["hostSession"]?["id"]?.string), try need(body["hostToken"]?.string))
  }

  func share(
    _ mode: SessionMode = .promptWithApproval, host: (id: String, token: String)? = nil, minutes: Int64? = nil
  ) async throws -> Shared {
    let host = if let host { host } else { try await register() }
    let body = try json(
      await one.sessions.create(
        CreateSession(hostSessionID: host.id, hostUserID: "hana", mode: mode, expiresInMinutes: minutes)))
    return Shared(
      hostSessionID: host.id, hostToken: host.token, id: try need(body["session"]?["id"]?.string),
      invite: try need(body["inviteToken"]?.string), host: try credentials(body["hostParticipant"]))
  }

  func join(_ shared: Shared, _ user: String, role: Role = .collaborator) async throws -> ParticipantCredentials {
    let body = try json(
      await two.sessions.join(shared.id, JoinSession(inviteToken: shared.invite, userID: user, role: role)))
    return try credentials(body["participant"])
  }

  func prompt(_ shared: Shared, _ author: ParticipantCredentials, _ text: String = "do it") async throws -> String {
    let body = try json(await two.approvals.submitPrompt(shared.id, credentials: author, prompt: text))
    return try need(body["approval"]?["id"]?.string)
  }

  @discardableResult
  func approve(_ shared: Shared, _ approvalID: String) async throws -> JSONText {
    try json(
      await one.approvals.resolve(
        shared.id, approvalID: approvalID, credentials: shared.host, action: .approve, reason: nil, editedPrompt: nil))
  }

  /// Every event of a session, oldest first; also checks that the sequence is contiguous.
  func events(_ id: String) async throws -> [(type: String, payload: JSONText)] {
    let page = try await two.events.page(id, after: "earliest", limit: 10_000)
    let numbers = page.events.map(\.sequence)
    guard numbers == Array(1...Int64(max(1, numbers.count))) else {
      throw FixtureError("the sequence has a hole: \(numbers)")
    }
    return try page.events.map { event in
      let text = try json(event.data)
      guard text["type"]?.string == event.type else { throw FixtureError("type differs in \(event)") }
      return (event.type, try need(text["payload"]))
    }
  }

  func types(_ id: String) async throws -> [String] { try await events(id).map(\.type) }

  func ttl(_ key: String) async throws -> Int {
    try await redis.send(RedisCommand("PTTL", .string(key)), key: key).integer ?? -9
  }
}

extension World {
  /// Changes a part of what a hash holds in a field: moves a time, since no test waits.
  func replace(
    _ pattern: some RegexComponent, with text: String, in key: String, _ field: String
  ) async throws {
    let kept = try await redis.send(RedisCommand("HGET", .string(key), .string(field)), key: key).string
    let changed = try need(kept).replacing(pattern, with: text)
    guard changed != kept else { throw FixtureError("\(field) of \(key) holds nothing of that kind: \(changed)") }
    _ = try await redis.send(RedisCommand("HSET", .string(key), .string(field), .string(changed)), key: key)
  }

  /// Moves the time a session ends at, in milliseconds.
  func setEnd(_ id: String, _ milliseconds: Int) async throws {
    let key = keys.session(id)
    let state = try need(try await redis.send(RedisCommand("HGET", .string(key), "state"), key: key).string)
    var words = state.split(separator: " ").map(String.init)
    words[2] = String(milliseconds)
    _ = try await redis.send(
      RedisCommand("HSET", .string(key), "state", .string(words.joined(separator: " "))), key: key)
  }

  /// Looks at a session as a sweeper does, with its host not busy.
  ///
  /// - Returns: when something is due next in milliseconds, and how many prompts failed.
  func sweepSession(_ id: String) async throws -> (next: Int?, failed: Int) {
    let grace = one.settings.hostGrace
    let parts = try await one.sweeper.runner.session(
      ScriptLibrary.sessionSweep, id,
      [
        "host": "free", "grace": .integer(Int(grace.wholeMilliseconds)), "unavailable": "\"unavailable\"",
        "away": "\"away\"",
      ]
    ).parts(atLeast: 3)
    return (Int(try parts.text(0)), try parts.number(1) + parts.number(2))
  }
}

func json(_ bytes: ByteBuffer) throws -> JSONText { try JSONText(validating: bytes) }

func credentials(_ participant: JSONText?) throws -> ParticipantCredentials {
  ParticipantCredentials(
    participantID: try need(participant?["id"]?.string), token: try need(participant?["accessToken"]?.string))
}

/// The value, or a failure that says what was missing; for fixtures, which are not tests themselves.
func need<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw FixtureError("a reply lacks a field") }
  return value
}

/// The code a call is refused with, or nil when it was not.
func code(_ body: () async throws -> Void) async throws -> ErrorCode? {
  do {
    try await body()
    return nil
  } catch let error as SharedSessionError { return error.code }
}
