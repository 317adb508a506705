/// What nodes read of a session's state as Redis keeps it: the field `state` of its hash, which `include_session.lua` describes. A
/// value.
struct KeptSession {
  /// What viewers see of the agent's work.
  let viewerUpdates: ViewerUpdates
  /// Where the session's events end.
  let newest: EventPosition

  /// Reads a state; nil when it is none.
  init?(_ text: String) {
    let lines = text.split(separator: "\n")
    guard lines.count == 2, let rules = lines.first?.split(separator: " "), rules.count > 5,
      let viewerUpdates = ViewerUpdates(rawValue: String(rules[5])),
      let newest = lines.last.flatMap({ EventPosition(cursor: $0.prefix { $0 != " " }) })
    else { return nil }
    self.viewerUpdates = viewerUpdates
    self.newest = newest
  }
}
