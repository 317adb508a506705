import AgentClientProtocol
import JSONText

/// What nodes are told of the agent and its conversation; an immutable value. It is bounded, and without the host's secrets.
struct AgentReport: Sendable, Hashable {
  /// The longest name and version that every node takes, in characters.
  static let longestName = 64
  /// Bytes of each part, so that all of them fit into one call.
  static let partBytes = 40 * 1024
  /// Entries of each list.
  static let entries = 500
  /// The method of the notification in which it goes to sessions that are there already.
  static let method = "_tandem/agent"

  /// `{name?, version?, capabilities, modes?, configOptions?, continued}`, as the registration takes it.
  let text: JSONText

  /// - Parameters:
  ///   - program: what an agent without a name is called.
  ///   - filter: what the host keeps to themselves.
  ///   - redact: takes the secrets out of a text.
  init(
    _ profile: AgentProfile, program: String?, filter: UpdateFilter, redact: (JSONText) -> JSONText
  ) {
    let (description, session) = (profile.description, profile.session)
    let whole = JSONText { agent in
      agent.add("name", (description.name ?? program).map(Self.name))
      agent.add("version", description.version.map(Self.name))
      agent.add("capabilities", Self.fitting(description.capabilities))
      if !filter.hides("current_mode_update"), let modes = session.modes {
        agent.add("modes") {
          $0.add("currentModeId", modes["currentModeId"].flatMap(Self.fitting))
          $0.add("availableModes", modes["availableModes"].flatMap(Self.list))
        }
      }
      if !filter.hides("config_option_update") { agent.add("configOptions", session.options.flatMap(Self.list)) }
      agent.add("continued", session.isContinued)
    }
    text = redact(whole.compacted())
  }

  /// The notification that says it to sessions that are there already.
  var notification: JSONText {
    JSONText {
      $0.add("jsonrpc", "2.0")
      $0.add("method", Self.method)
      $0.add("params", text)
    }
  }

  private static func name(_ text: String) -> String {
    let visible = text.unicodeScalars.filter { $0.properties.generalCategory != .control }
    return String(String.UnicodeScalarView(visible.prefix(longestName)))
  }

  private static func fitting(_ value: JSONText) -> JSONText? {
    NotificationTrimmer.fits(value, partBytes) ? value : nil
  }

  private static func list(_ value: JSONText) -> JSONText? {
    guard value.kind == .array else { return nil }
    return value.cut(maximumCount: entries, maximumBytes: partBytes) {
      NotificationTrimmer.fits($0, partBytes)
    }.array
  }
}
