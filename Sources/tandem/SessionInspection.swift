import Foundation
import NIOCore
import RedisClient
import SharedSessions

/// Gathers what Redis holds about one session. Names every key; never searches the keyspace.
///
/// Isolation: immutable.
struct SessionInspection: Sendable {
  let redis: RedisClient
  let keys: KeyLayout
  /// How many participants, approvals and events are shown, the newest ones.
  var limit = 20

  /// The report; nil when there is no such session.
  ///
  /// - Throws: `RedisError`.
  func report(_ id: String) async throws(RedisError) -> String? {
    let session = try await fields(keys.session(id))
    guard !session.isEmpty else { return nil }
    var text = ["session \(id)"]
    text += lines(session)
    text += ["", "keys"]
    for key in [
      keys.session(id), keys.events(id), keys.messages(id), keys.participants(id), keys.users(id), keys.approvals(id),
      keys.pending(id), keys.queue(id), keys.permissions(id),
    ] {
      text.append("  " + (try await describe(key)))
    }
    text += try await events(id)
    text += try await participants(id)
    text += try await approvals(id)
    if let host = session.first(where: { $0.name == "hostSessionId" })?.value {
      text += ["", "host session \(host)"]
      text += lines(try await fields(keys.host(host)))
    }
    return text.joined(separator: "\n")
  }

  private func events(_ id: String) async throws(RedisError) -> [String] {
    let newest = try await send("XREVRANGE", keys.events(id), "+", "-", "COUNT", .integer(limit)).entries
    var text = ["", "events, newest first"]
    for entry in newest {
      guard let eventID = entry.elements.first?.text, let values = entry.elements.last?.pairs else { continue }
      let seq = values.first { $0.name == "seq" }?.value ?? "?"
      let type = values.first { $0.name == "type" }?.value ?? "?"
      text.append("  \(eventID)  seq \(seq)  \(type)")
    }
    return text
  }

  private func participants(_ id: String) async throws(RedisError) -> [String] {
    let members = try await send("ZREVRANGE", keys.participants(id), 0, .integer(limit - 1)).texts
    var text = ["", "participants, newest first"]
    for member in members {
      let found = try await fields(keys.participant(id, member))
      let value = { (name: String) in found.first { $0.name == name }?.value ?? "" }
      let presence = value("leftAt").isEmpty ? "present" : "left"
      text.append("  \(member)  \(value("role"))  \(presence)  \(printable(value("userId")))")
    }
    return text
  }

  private func approvals(_ id: String) async throws(RedisError) -> [String] {
    let queue = try await send("ZRANGE", keys.queue(id), 0, .integer(limit - 1)).texts
    let pending = try await send("HGETALL", keys.pending(id)).pairs.map(\.name)
    var text = ["", "approvals that are pending (\(pending.count))"]
    for approval in pending.prefix(limit) { text.append(try await approvalLine(id, approval)) }
    let asked = try await send("HGETALL", keys.permissions(id)).pairs.map(\.name)
    text += ["", "permission requests of the agent that wait (\(asked.count))"]
    for approval in asked.prefix(limit) { text.append(try await approvalLine(id, approval)) }
    text += ["", "approvals waiting for or in dispatch, in order"]
    for approval in queue { text.append(try await approvalLine(id, approval)) }
    return text
  }

  private func approvalLine(_ id: String, _ approval: String) async throws(RedisError) -> String {
    let found = try await fields(keys.approval(id, approval))
    let value = { (name: String) in found.first { $0.name == name }?.value ?? "" }
    let prompt = printable(value("prompt"))
    let shown = prompt.count > 60 ? prompt.prefix(60) + "..." : prompt[...]
    let dispatch = value("dispatchState").isEmpty ? "" : "  \(value("dispatchState")) attempt \(value("attempt"))"
    return "  \(approval)  \(value("status"))\(dispatch)  \(shown)"
  }

  /// Type, size and time to live of a key.
  private func describe(_ key: String) async throws(RedisError) -> String {
    let type = try await send("TYPE", key).text ?? "none"
    guard type != "none" else { return "\(key)  (none)" }
    let size: RedisValue =
      switch type {
      case "hash": try await send("HLEN", key)
      case "zset": try await send("ZCARD", key)
      case "stream": try await send("XLEN", key)
      default: .null
      }
    let milliseconds = try await send("PTTL", key).number ?? -1
    let life = milliseconds < 0 ? "NO TTL" : "expires in \(milliseconds / 1_000) s"
    return "\(key)  \(type)\(size.number.map { " of \($0)" } ?? "")  \(life)"
  }

  private func fields(_ key: String) async throws(RedisError) -> [(name: String, value: String)] {
    try await send("HGETALL", key).pairs
  }

  /// A hash's fields, one a line, without what came from secrets.
  private func lines(_ fields: [(name: String, value: String)]) -> [String] {
    fields.filter { field in
      let name = field.name.lowercased()
      return !name.contains("hash") && !name.contains("token")
    }
    .sorted { $0.name < $1.name }
    .map { "  \($0.name)  \(printable($0.value))\(time($0.name, $0.value))" }
  }

  /// The time behind a field that holds milliseconds since 1970.
  private func time(_ name: String, _ value: String) -> String {
    guard name.hasSuffix("At"), let milliseconds = Double(value) else { return "" }
    return "  (\(Date(timeIntervalSince1970: milliseconds / 1_000).formatted(.iso8601)))"
  }

  /// Text of users must not steer the terminal.
  private func printable(_ text: String) -> String {
    String(
      text.unicodeScalars.map { scalar -> Character in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate: "\u{FFFD}"
        default: Character(scalar)
        }
      })
  }

  private func send(_ command: String, _ key: String, _ more: RedisArgument...) async throws(RedisError) -> RedisValue {
    try await redis.send(RedisCommand(command, arguments: [.string(key)] + more), key: key)
  }
}

/// A reply as what the report needs; whatever has another form counts as absent.
extension RedisValue {
  fileprivate var text: String? {
    switch self {
    case .status(let text): text
    case .bytes(let bytes): String(buffer: bytes)
    case .integer(let number): String(number)
    default: nil
    }
  }
  fileprivate var number: Int64? { if case .integer(let number) = self { Int64(number) } else { nil } }
  fileprivate var elements: [RedisValue] { if case .array(let elements) = self { elements } else { [] } }
  fileprivate var entries: [RedisValue] { elements }
  fileprivate var texts: [String] { elements.compactMap(\.text) }
  fileprivate var pairs: [(name: String, value: String)] {
    let texts = elements.map { $0.text ?? "" }
    return stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) }
  }
}
