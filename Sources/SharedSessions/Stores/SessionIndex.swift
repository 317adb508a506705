internal import Foundation
internal import NIOCore
internal import RedisClient

/// The sorted sets by which sessions are listed and found when they are due. A value.
///
/// They live in other slots than the sessions, so they are hints: a session's own hash is the truth, and an entry
/// that leads nowhere is dropped by whoever meets it once it is older than any creation can take.
struct SessionIndex: Sendable {
  let runner: ScriptRunner
  private var keys: KeyLayout { runner.keys }

  /// Entries read per round, and rounds per page: a page may end early, with a cursor to go on.
  private static let batch = 200
  private static let rounds = 25
  /// How old an entry without a session must be to be dropped.
  private static let danglingAge = 60_000

  /// The time of Redis, in milliseconds.
  func now() async throws(SharedSessionError) -> Int {
    do {
      let time = try await runner.redis.send(RedisCommand("TIME"), key: nil)
      guard let parts = time.array, parts.count == 2, let s = parts[0].integer, let us = parts[1].integer else {
        throw SharedSessionError(.internalError)
      }
      return s * 1_000 + us / 1_000
    } catch let error as RedisError {
      throw SharedSessionError(error.mayHaveRun ? .outcomeUnknown : .unavailable, retryAfter: 1)
    } catch { throw SharedSessionError(.internalError) }
  }

  /// Lists a session that is about to be created; one that was, by the same request, stays where it is.
  func add(
    _ sessionID: String, workspaceID: String, hostSessionID: String, endsIn: Duration
  ) async throws(SharedSessionError) {
    let now = try await now()
    try await runner.note(
      sessionID, at: now + Int(endsIn.milliseconds), in: keys.deadlines(bucket: KeyLayout.bucket(of: sessionID)),
      unlessThere: true)
    for key in listings(workspaceID: workspaceID, hostSessionID: hostSessionID) {
      try await runner.note(sessionID, at: now, in: key, unlessThere: true)
    }
  }

  /// Keeps the indexes of a session that is to live longer.
  func renew(_ sessionID: String) async throws(SharedSessionError) {
    let reply = try await runner.send("HMGET", key: keys.session(sessionID), "hostSessionId", "workspaceId")
    guard let values = reply.array, values.count == 2, let host = values[0].string, let workspace = values[1].string
    else { return }
    for key in listings(workspaceID: workspace, hostSessionID: host)
      + [keys.deadlines(bucket: KeyLayout.bucket(of: sessionID))]
    { try await runner.keepIndex(key) }
  }

  /// Makes sure the sweeper looks at a session no later than in this time; nothing for an id that is no active session.
  func expect(_ sessionID: String, within time: Duration) async throws(SharedSessionError) {
    try await runner.send(
      "ZADD", key: keys.deadlines(bucket: KeyLayout.bucket(of: sessionID)), "XX", "LT",
      .integer(try await now() + Int(time.milliseconds)), .string(sessionID))
  }

  /// Takes a session out of every index, as far as Redis answers.
  func forget(_ sessionID: String, workspaceID: String, hostSessionID: String) async {
    for key in listings(workspaceID: workspaceID, hostSessionID: hostSessionID)
      + [keys.hostSessions(hostSessionID), keys.deadlines(bucket: KeyLayout.bucket(of: sessionID))]
    {
      _ = try? await runner.send("ZREM", key: key, .string(sessionID))
    }
  }

  /// Takes an ended session out of the indexes of active ones, and notes when it will be gone.
  ///
  /// - Returns: its host session; nil when the session is gone already.
  @discardableResult
  func retire(_ sessionID: String) async throws(SharedSessionError) -> String? {
    let reply = try await runner.send(
      "HMGET", key: keys.session(sessionID), "hostSessionId", "workspaceId", "purgeAt")
    guard let values = reply.array, values.count == 3, let host = values[0].string, let workspace = values[1].string,
      let purgeAt = values[2].integer
    else { return nil }
    let bucket = KeyLayout.bucket(of: sessionID)
    try await runner.note("\(sessionID) \(host) \(workspace)", at: purgeAt, in: keys.purges(bucket: bucket))
    try await runner.send("ZREM", key: keys.activeSessions, .string(sessionID))
    try await runner.send("ZREM", key: keys.hostSessions(host), .string(sessionID))
    try await runner.send("ZREM", key: keys.deadlines(bucket: bucket), .string(sessionID))
    return host
  }

  /// Takes a session that is gone out of the lists.
  ///
  /// - Parameter entry: `session host workspace`, as `retire` has noted it.
  /// - Returns: false when the session is still there.
  func purge(_ entry: String) async throws(SharedSessionError) -> Bool {
    let ids = entry.split(separator: " ").map(String.init)
    guard ids.count == 3 else { return true }
    guard try await runner.send("EXISTS", key: keys.session(ids[0])).integer == 0 else { return false }
    for key in listings(workspaceID: ids[2], hostSessionID: ids[1]) {
      try await runner.send("ZREM", key: key, .string(ids[0]))
    }
    return true
  }

  private func listings(workspaceID: String, hostSessionID: String) -> [String] {
    [
      keys.allSessions, keys.activeSessions, keys.workspaceSessions(workspaceID), keys.sessionsOfHost(hostSessionID),
    ]
  }

  /// A page of sessions, newest first.
  func list(_ filter: SessionFilter) async throws(SharedSessionError) -> ByteBuffer {
    var position = try filter.cursor.map(Position.init)
    let key = narrowest(filter)
    var found: [ByteBuffer] = []
    var isLast = false
    for _ in 0..<Self.rounds where found.count < filter.limit && !isLast {
      let entries = try await entries(of: key, before: position)
      isLast = entries.count < Self.batch
      let sessions = try await read(entries.map(\.member))
      for (entry, session) in zip(entries, sessions) {
        guard found.count < filter.limit else {
          isLast = false
          break
        }
        position = entry
        if let session {
          if session.matches(filter) { found.append(session.json) }
        } else if entry.score < (try await now()) - Self.danglingAge {
          try await runner.send("ZREM", key: key, .string(entry.member))
        }
      }
    }
    var list = ByteBuffer(string: "[")
    for (i, var json) in found.enumerated() {
      if i > 0 { list.writeString(",") }
      list.writeBuffer(&json)
    }
    list.writeString("]")
    let next = isLast ? nil : position.map { ReplyBody.quoted($0.text) }
    return ReplyBody.object([("sessions", list), ("nextCursor", next)])
  }

  private func narrowest(_ filter: SessionFilter) -> String {
    if let host = filter.hostSessionID, FieldRules.isIdentifier(host) { return keys.sessionsOfHost(host) }
    if let workspace = filter.workspaceID, FieldRules.isIdentifier(workspace) {
      return keys.workspaceSessions(workspace)
    }
    return filter.status == .active ? keys.activeSessions : keys.allSessions
  }

  /// The next entries behind a position, newest first. Entries of one millisecond are ordered by id, so a page can end
  /// between them.
  private func entries(of key: String, before position: Position?) async throws(SharedSessionError) -> [Position] {
    var result: [Position] = []
    var offset = 0
    let top = position.map { String($0.score) } ?? "+inf"
    while result.count < Self.batch {
      let flat =
        try await runner.send(
          "ZRANGE", key: key, .string(top), "-inf", "BYSCORE", "REV", "LIMIT", .integer(offset),
          .integer(Self.batch), "WITHSCORES"
        ).array ?? []
      for i in stride(from: 0, to: flat.count - 1, by: 2) {
        guard let member = flat[i].string, let score = flat[i + 1].integer else { continue }
        let entry = Position(score: score, member: member)
        if let position, !(entry.score < position.score || entry.member < position.member) { continue }
        result.append(entry)
      }
      guard flat.count == Self.batch * 2 else { break }
      offset += Self.batch
    }
    return Array(result.prefix(Self.batch))
  }

  private func read(_ ids: [String]) async throws(SharedSessionError) -> [ListedSession?] {
    let runner = runner
    do {
      return try await withThrowingTaskGroup(of: (Int, ListedSession?).self) { group in
        for (i, id) in ids.enumerated() {
          group.addTask {
            let outcome = try await runner.run(
              ScriptLibrary.sessionRead, keys: [runner.keys.session(id)], arguments: [])
            return (i, outcome.refusal == nil ? try ListedSession(outcome.parts(atLeast: 1).part(0)) : nil)
          }
        }
        var sessions = [ListedSession?](repeating: nil, count: ids.count)
        for try await (i, session) in group { sessions[i] = session }
        return sessions
      }
    } catch let error as SharedSessionError { throw error } catch { throw SharedSessionError(.internalError) }
  }
}

/// Where a page of a listing ends: the creation time and the id of its last session. A value.
private struct Position: Sendable {
  let score: Int
  let member: String

  init(score: Int, member: String) {
    self.score = score
    self.member = member
  }

  init(_ text: String) throws(SharedSessionError) {
    let parts = text.split(separator: "_", maxSplits: 1)
    guard parts.count == 2, let score = Int(parts[0]), score > 0, Secrets.isID(String(parts[1])) else {
      throw SharedSessionError(.invalidQuery, "'cursor' must be a 'nextCursor' of this list.")
    }
    self.init(score: score, member: String(parts[1]))
  }

  var text: String { "\(score)_\(member)" }
}
