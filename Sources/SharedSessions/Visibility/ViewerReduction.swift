internal import JSONText
public import NIOCore

/// What viewers do not get to see while a session's `viewerUpdates` is `reduced`: the agent's thoughts, what it asks its
/// people, and what went raw into and out of its tools, which hold the contents of the host's files. Pure functions.
///
/// Everything else stays byte for byte. Whatever cannot be understood is withheld: it might be one of these.
public enum ViewerReduction {
  /// Types whose payload never holds anything of the agent's. All others are looked into, also those nobody knows yet.
  private static let harmless: Set<String> = [
    "shared_session_created", "session_updated", "session_closed", "participant_joined", "participant_left",
    "participant_updated", "participant_online", "participant_offline", "message_created", "prompt_dispatch_started",
    "prompt_dispatch_completed", "prompt_dispatch_failed", "host_online", "host_offline",
  ]

  /// The deepest nesting that is looked into; what is deeper is withheld.
  private static let depth = 512

  /// Whether an event of a type may look different to viewers.
  public static func concerns(_ type: String) -> Bool { !harmless.contains(type) }

  /// An event as viewers get it, or nil when they do not.
  ///
  /// - Parameter json: the whole event.
  public static func event(_ type: String, _ json: ByteBuffer) -> ByteBuffer? {
    guard concerns(type) else { return json }
    guard let event = try? JSONText(validating: json, maximumDepth: depth) else { return nil }
    return try? edit(event) { name, value throws(Withheld) in
      name == "payload" ? .replace(try payload(value)) : .keep
    }.bytes
  }

  /// A list of approvals as viewers get it; one that cannot be understood is left out.
  public static func approvals(_ json: ByteBuffer) -> ByteBuffer {
    guard let list = try? JSONText(validating: json, maximumDepth: depth), list.kind == .array else {
      return ByteBuffer(string: "[]")
    }
    return JSONText(array: list.elements.compactMap { try? approval($0) }).bytes
  }

  /// What is kept of the agent as viewers get it; what cannot be understood is left out.
  public static func agent(_ json: ByteBuffer) -> ByteBuffer {
    guard let agent = try? JSONText(validating: json, maximumDepth: depth),
      let reduced = try? edit(
        agent,
        { name, value throws(Withheld) in name == "usage" ? .replace(try withoutRawParts(value)) : .keep })
    else { return ByteBuffer(string: "{\"capabilities\":{}}") }
    return reduced.bytes
  }

  /// Why an event is not passed on.
  private struct Withheld: Error {}

  private static func payload(_ payload: JSONText) throws(Withheld) -> JSONText {
    try edit(payload) { name, value throws(Withheld) in
      switch name {
      case "notification": .replace(try notification(value))
      case "approval": .replace(try approval(value))
      case "toolCall": .replace(try withoutRawParts(value))
      default: .keep
      }
    }
  }

  /// A JSON-RPC notification of the agent (ACP `session/update`).
  private static func notification(_ notification: JSONText) throws(Withheld) -> JSONText {
    try edit(notification) { name, value throws(Withheld) in
      name == "params" ? .replace(try parameters(value)) : .keep
    }
  }

  private static func parameters(_ parameters: JSONText) throws(Withheld) -> JSONText {
    try edit(parameters) { name, value throws(Withheld) in
      name == "update" ? .replace(try update(value)) : .keep
    }
  }

  private static func update(_ update: JSONText) throws(Withheld) -> JSONText {
    try edit(update) { name, value throws(Withheld) in
      switch name {
      case "sessionUpdate":
        // Of duplicates any may be the one a client believes, so each of them counts.
        guard let kind = value.string, kind != "agent_thought_chunk" else { throw Withheld() }
        return .keep
      case "rawInput", "rawOutput": return .remove
      case "toolCall": return .replace(try withoutRawParts(value))
      default: return .keep
      }
    }
  }

  private static func approval(_ approval: JSONText) throws(Withheld) -> JSONText {
    try edit(approval) { name, value throws(Withheld) in
      // Of duplicates any may be the one a client believes, so each of them counts.
      if name == "kind", value.string == nil || value.string == "question" { throw Withheld() }
      return name == "toolCall" ? .replace(try withoutRawParts(value)) : .keep
    }
  }

  private static func withoutRawParts(_ toolCall: JSONText) throws(Withheld) -> JSONText {
    try edit(toolCall) { name, _ throws(Withheld) in name == "rawInput" || name == "rawOutput" ? .remove : .keep }
  }

  /// Edits what has to be an object.
  private static func edit(
    _ value: JSONText, _ edit: (String, JSONText) throws(Withheld) -> JSONText.MemberEdit
  ) throws(Withheld) -> JSONText {
    guard value.kind == .object else { throw Withheld() }
    return try value.editingMembers(edit)
  }
}
