import Basics
import Foundation
import JSONText
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
    text += lines(session.flatMap(apart))
    text += ["", "keys"]
    for key in SessionKey.allCases { text.append("  " + (try await describe(keys.session(id, key)))) }
    text += try await events(id)
    text += try await participants(id)
    text += try await approvals(id)
    if let host = session.first(where: { $0.name == "rules" })?.value.split(separator: " ").last.map(String.init) {
      text += ["", "host session \(host)"]
      text += lines(try await fields(keys.host(host)))
    }
    return text.joined(separator: "\n")
  }

  private func events(_ id: String) async throws(RedisError) -> [String] {
    let newest = try await send("XREVRANGE", keys.session(id, .events), "+", "-", "COUNT", .integer(limit)).entries
    var text = ["", "events, newest first"]
    for entry in newest {
      guard let eventID = entry.elements.first?.text, let values = entry.elements.last?.pairs else { continue }
      let type = values.first { $0.name == "type" }?.value ?? "?"
      text.append("  \(eventID)  \(type)")
    }
    return text
  }

  private func participants(_ id: String) async throws(RedisError) -> [String] {
    let online = Set(try await send("HKEYS", keys.session(id, .presence)).texts)
    let records = try await fields(keys.session(id, .participants))
      .compactMap { field in record(field.value).map { (id: field.name, record: $0) } }
      .sorted { ($0.record["joinedAt"]?.string ?? "") > ($1.record["joinedAt"]?.string ?? "") }
    var text = ["", "participants, newest first (\(records.count))"]
    for (member, record) in records.prefix(limit) {
      let state = record["leftAt"] != nil ? "left" : online.contains(member) ? "online" : "present"
      text.append(
        "  \(member)  \(record["role"]?.string ?? "?")  \(state)  \(printable(record["userId"]?.string ?? ""))")
    }
    return text
  }

  private func approvals(_ id: String) async throws(RedisError) -> [String] {
    // In their order: what the agent asks is behind the prompts that wait, see Sources/SharedSessions/README.md.
    let asked = try await send("ZRANGE", keys.session(id, .order), "2e15", "+inf", "BYSCORE").texts
    let pending = try await send("ZRANGE", keys.session(id, .order), 0, "(2e15", "BYSCORE").texts
    let queue = try await send("ZRANGE", keys.session(id, .queue), 0, -1).texts
    var text: [String] = []
    for (title, ids) in [
      ("approvals that are pending", pending), ("permission requests of the agent that wait", asked),
      ("approvals that wait for their dispatch, in order", queue),
    ] {
      text += ["", "\(title) (\(ids.count))"]
      for approval in ids.prefix(limit) { text.append(try await approvalLine(id, approval)) }
    }
    return text
  }

  private func approvalLine(_ id: String, _ approval: String) async throws(RedisError) -> String {
    guard let found = record(try await send("HGET", keys.session(id, .approvals), .string(approval)).text ?? "") else {
      return "  \(approval)  (its record is gone)"
    }
    let prompt = printable(found["prompt"]?.string ?? "")
    let shown = prompt.count > 60 ? prompt.prefix(60) + "..." : prompt[...]
    let dispatch = found["dispatch"].map {
      "  \($0["state"]?.string ?? "?") attempt \($0["attempt"]?.integer.map(String.init) ?? "?")"
    }
    return "  \(approval)  \(found["status"]?.string ?? "?")\(dispatch ?? "")  \(shown)"
  }

  private func record(_ text: String) -> JSONText? { try? JSONText(validating: ByteBuffer(string: text)) }

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

  /// What stands together in one field of a session's hash, each by its name (`include_session.lua`).
  private func apart(_ field: (name: String, value: String)) -> [(name: String, value: String)] {
    let names: [String]
    switch field.name {
    case "rules":
      names = [
        "status", "mode", "endsAt", "purgeAt", "closedAt", "viewerUpdates", "approvalTimeout", "hostSessionId",
      ]
    case "log":
      names = ["lastEventId", "eventBytes", "messages", "messageBytes", "approvalBytes", "approvals"]
    default: return [field]
    }
    return zip(names, field.value.split(separator: " ")).map { (name: $0, value: String($1)) }
  }

  /// A hash's fields, one a line, without what came from secrets.
  private func lines(_ fields: [(name: String, value: String)]) -> [String] {
    fields.filter { field in
      let name = field.name.lowercased()
      return !name.contains("hash") && !name.contains("token") && name != "json" && name != "batches"
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
  private func printable(_ text: String) -> String { VisibleText.show(text, keepsLines: false) }

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
