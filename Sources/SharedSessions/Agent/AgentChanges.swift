internal import JSONText
internal import NIOCore

/// What a batch of notifications changes in what is kept of the agent. A value.
///
/// Scripts apply it in the step that appends the notifications, each change with the number of its notification in the batch, so
/// that those a session has already are not applied again. Of several changes of one part only the last one counts.
struct AgentChanges: Sendable {
  /// How much of each part is kept.
  struct Limits: Sendable, Hashable {
    /// Bytes of one part.
    var partBytes: Int
    /// Entries of a list.
    var entries: Int
  }

  /// The longest id of a mode or an option, and value of an option, that is kept; in characters.
  static let longestID = 256
  /// The longest name, version and title that is kept, in characters; a longer one is cut.
  static let longestText = 512

  private struct Change: Sendable {
    let number: Int
    let value: ByteBuffer?
    let isCut: Bool
  }

  private let limits: Limits
  private var latest: [AgentPart: Change] = [:]

  init(_ limits: Limits) {
    self.limits = limits
  }

  /// Parts of which only a beginning, or nothing, is kept because they are too large.
  var cutCount: Int { latest.values.count(where: \.isCut) }

  /// As the scripts read them: `NUMBER FIELD VALUE`, a line each; '' when nothing changes.
  var text: ByteBuffer {
    var text = ByteBuffer()
    for part in AgentPart.allCases {
      guard let change = latest[part] else { continue }
      text.writeString("\(change.number) \(part.rawValue) \(change.isCut ? " " : "")")
      if let value = change.value { text.writeImmutableBuffer(value) }
      text.writeString("\n")
    }
    return text
  }

  /// Takes in a notification of the agent, the `number`th of its batch, counted from 1.
  ///
  /// - Parameter notification: on one line.
  mutating func note(_ notification: JSONText, number: Int) {
    switch notification["method"]?.string {
    case "session/update":
      guard let update = notification["params"]?["update"], let kind = update["sessionUpdate"]?.string else { return }
      note(kind, update, number)
    case AgentIntroduction.method:
      if let params = notification["params"] { introduce(AgentIntroduction(params), number: number) }
    default: break
    }
  }

  /// Takes in what a bridge says of its agent.
  mutating func introduce(_ agent: AgentIntroduction, number: Int = 1) {
    setText(.name, agent.name, number)
    setText(.version, agent.version, number)
    setObject(.capabilities, agent.capabilities, number)
    setMode(agent.modes?["currentModeId"], number)
    setModes(agent.modes?["availableModes"], number)
    setOptions(agent.options, number)
    guard !agent.isContinued else { return }
    // What belongs to the conversation before goes with it.
    for part in [AgentPart.commands, .usage, .title, .plan] { set(part, nil, number) }
  }

  private mutating func note(_ kind: String, _ update: JSONText, _ number: Int) {
    let kinds: Set = [
      "current_mode_update", "config_option_update", "available_commands_update", "usage_update", "session_info_update",
      "plan",
    ]
    // Readers differ in which of two fields of one name they believe, so an update that has such is nobody's state.
    guard kinds.contains(kind), update.members.count(where: { $0.name == "sessionUpdate" }) == 1 else { return }
    switch kind {
    case "current_mode_update": setMode(update["currentModeId"], number)
    case "config_option_update": setOptions(update["configOptions"], number)
    case "available_commands_update":
      setList(.commands, update["availableCommands"], number) { $0["name"]?.string != nil }
    case "usage_update":
      setObject(.usage, update.editingMembers { name, _ in name == "sessionUpdate" ? .remove : .keep }, number)
    case "session_info_update":
      // Without the field nothing is said of it; null takes it away.
      if let title = update["title"] { setText(.title, title.string, number) }
    default: setList(.plan, update["entries"], number) { $0.kind == .object }
    }
  }

  private mutating func setMode(_ id: JSONText?, _ number: Int) {
    set(.mode, id?.string.flatMap(Self.id), number)
  }

  private mutating func setModes(_ modes: JSONText?, _ number: Int) {
    let kept = setList(.modes, modes, number) { $0["id"]?.string.flatMap(Self.id) != nil }
    var lookup = ByteBuffer()
    for mode in kept { mode["id"]?.string.flatMap(Self.id).map { Self.add($0, to: &lookup) } }
    set(.modeIDs, Self.closed(lookup), number)
  }

  private mutating func setOptions(_ options: JSONText?, _ number: Int) {
    let kept = setList(.options, options, number) { $0["id"]?.string.flatMap(Self.id) != nil }
    var lookup = ByteBuffer()
    for option in kept {
      guard let id = option["id"]?.string.flatMap(Self.id) else { continue }
      lookup.writeString("\u{1E}")
      lookup.writeImmutableBuffer(id)
      for value in Self.values(of: option) { Self.add(value, to: &lookup) }
      lookup.writeString("\t")
    }
    set(.optionValues, lookup.readableBytes > 0 ? lookup : nil, number)
  }

  /// What an option can be set to, as JSON: the values of a select, grouped or not, or true and false.
  private static func values(of option: JSONText) -> [ByteBuffer] {
    switch option["type"]?.string {
    case "boolean": return [JSONText(bool: true).bytes, JSONText(bool: false).bytes]
    case "select", nil:
      let choices = option["options"]?.elements ?? []
      let all = choices.flatMap { $0["options"]?.elements ?? [$0] }
      return all.compactMap { $0["value"]?.string.flatMap(id) }
    default: return []
    }
  }

  private static func add(_ word: ByteBuffer, to lookup: inout ByteBuffer) {
    lookup.writeString("\t")
    lookup.writeImmutableBuffer(word)
  }

  private static func closed(_ lookup: ByteBuffer) -> ByteBuffer? {
    guard lookup.readableBytes > 0 else { return nil }
    var lookup = lookup
    lookup.writeString("\t")
    return lookup
  }

  /// An id as JSON, written as a request's would be; nil for one that is too long or empty.
  private static func id(_ text: String) -> ByteBuffer? {
    (1...longestID).contains(text.unicodeScalars.count) ? JSONText(string: text).bytes : nil
  }

  // MARK: - Parts

  private mutating func set(_ part: AgentPart, _ value: ByteBuffer?, _ number: Int, isCut: Bool = false) {
    latest[part] = Change(number: number, value: value, isCut: isCut)
  }

  private mutating func setText(_ part: AgentPart, _ text: String?, _ number: Int) {
    guard let text, !text.isEmpty else { return set(part, nil, number) }
    let kept = String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.longestText)))
    set(part, JSONText(string: kept).bytes, number, isCut: kept.utf8.count < text.utf8.count)
  }

  private mutating func setObject(_ part: AgentPart, _ object: JSONText?, _ number: Int) {
    guard let object, object.kind == .object else { return set(part, nil, number) }
    let fits = object.bytes.readableBytes <= limits.partBytes
    set(part, fits ? object.bytes : nil, number, isCut: !fits)
  }

  @discardableResult
  private mutating func setList(
    _ part: AgentPart, _ list: JSONText?, _ number: Int, where isWanted: (JSONText) -> Bool
  ) -> [JSONText] {
    guard let list, list.kind == .array else {
      set(part, nil, number)
      return []
    }
    let (kept, isCut) = list.cut(maximumCount: limits.entries, maximumBytes: limits.partBytes, where: isWanted)
    set(part, kept.bytes, number, isCut: isCut)
    return kept.elements
  }
}
