import JSONText
import NIOCore

/// The tool calls an agent has told of lately: a pure value, bounded in number and bytes.
///
/// A question of the agent often only names its tool call by an id. Whoever answers has to know what the agent has said of
/// it before: the command, the diff, the arguments.
struct RecentToolCalls: Sendable {
  /// What is remembered of a tool call.
  static let fields = ["title", "kind", "content", "rawInput", "locations"]

  /// Bytes of an id and its session's; what is longer is no id that anybody would use.
  private static let maximumIDBytes = 4 * 1024

  private struct Key: Hashable {
    let sessionID: String
    let id: String
  }

  private struct Call {
    /// An object with the fields that are known. It is a copy: a piece of a line would keep the whole line in memory.
    var known = JSONText { _ in }
    /// The fields that were too large to be remembered.
    var cuts: [ToolCallCut] = []
    var lastNoted = 0

    var bytes: Int { known.bytes.readableBytes }
  }

  private let maximumCalls: Int
  private let maximumBytes: Int
  private var calls: [Key: Call] = [:]
  private var bytes = 0
  private var count = 0

  init(maximumCalls: Int, maximumBytes: Int) {
    self.maximumCalls = maximumCalls
    self.maximumBytes = maximumBytes
  }

  /// Takes what an update says of a tool call. What it leaves out stays as it was.
  mutating func note(_ notification: AgentNotification) {
    let isNew = notification.kind == "tool_call"
    guard isNew || notification.kind == "tool_call_update", let id = notification.update["toolCallId"]?.string,
      id.utf8.count + notification.sessionID.utf8.count <= Self.maximumIDBytes
    else { return }
    let update = notification.update
    let key = Key(sessionID: notification.sessionID, id: id)
    let old = isNew ? Call() : calls[key] ?? Call()
    forget(key)
    count += 1
    var call = Call(lastNoted: count)
    call.known = JSONText { object in
      for field in Self.fields {
        if let value = Self.value(field, of: update) {
          // One field may take half of what there is for all, so that a single large file doesn't push out the rest.
          if value.bytes.readableBytes <= maximumBytes / 2 {
            object.add(field, value)
          } else {
            call.cuts.append(ToolCallCut(field: field, bytes: value.bytes.readableBytes))
          }
        } else if let value = old.known[field] {
          object.add(field, value)
        } else {
          call.cuts += old.cuts.filter { $0.field == field }
        }
      }
    }
    calls[key] = call
    bytes += call.bytes
    shrink()
  }

  /// The tool call of a question, with what is known of it and marks for what was known but is no longer kept. What the
  /// question says itself counts more.
  func complete(_ toolCall: JSONText, sessionID: String) -> JSONText {
    guard let id = toolCall["toolCallId"]?.string, let call = calls[Key(sessionID: sessionID, id: id)] else {
      return toolCall
    }
    let missing = Self.fields.filter { Self.value($0, of: toolCall) == nil }
    let added = call.known.members.filter { missing.contains($0.name) }
    let cuts = call.cuts.filter { missing.contains($0.field) }
    guard !added.isEmpty || !cuts.isEmpty else { return toolCall }
    let completed = JSONText { object in
      for (name, value) in toolCall.members where !missing.contains(name) { object.add(name, value) }
      for (name, value) in added { object.add(name, value) }
    }
    return ToolCallCut.mark(ToolCallCut.cuts(of: toolCall) + cuts, in: completed)
  }

  /// A field that is null says nothing.
  private static func value(_ field: String, of object: JSONText) -> JSONText? {
    object[field].flatMap { $0.isNull ? nil : $0 }
  }

  private mutating func forget(_ key: Key) {
    if let call = calls.removeValue(forKey: key) { bytes -= call.bytes }
  }

  /// Keeps to the bounds: first what old calls hold goes, and is marked, then old calls go.
  private mutating func shrink() {
    while bytes > maximumBytes, let key = oldest(where: { $0.bytes > Call().bytes }), var call = calls[key] {
      bytes -= call.bytes
      call.cuts += call.known.members.map { ToolCallCut(field: $0.name, bytes: $0.value.bytes.readableBytes) }
      call.known = Call().known
      bytes += call.bytes
      calls[key] = call
    }
    while calls.count > maximumCalls, let key = oldest(where: { _ in true }) { forget(key) }
  }

  private func oldest(where matches: (Call) -> Bool) -> Key? {
    calls.filter { matches($0.value) }.min { $0.value.lastNoted < $1.value.lastNoted }?.key
  }
}
