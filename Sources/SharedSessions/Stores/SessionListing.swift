internal import NIOCore
internal import RedisClient

/// Reads listings page by page. A value.
///
/// An index may name a session that is gone, or lag behind its status, so what a page shows is asked of each session itself.
struct SessionListing: Sendable {
  let runner: ScriptRunner
  private var keys: KeyLayout { runner.keys }

  /// Entries read per round, and rounds per page: a page may end early, with a cursor to go on.
  private static let batch = 200
  private static let rounds = 25

  /// A page of sessions, newest first.
  func page(_ filter: SessionFilter) async throws(SharedSessionError) -> ByteBuffer {
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
        // One that is gone is taken out of the list by a sweeper.
        if let session, session.matches(filter) { found.append(session.json) }
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
            let outcome = try await runner.session(ScriptLibrary.sessionRead, id)
            return (i, outcome.refusal == nil ? try ListedSession(outcome.parts(atLeast: 4)) : nil)
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
