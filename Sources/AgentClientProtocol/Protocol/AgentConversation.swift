public import JSONText

/// A conversation that an agent knows from earlier; an immutable value.
public struct AgentConversation: Sendable, Hashable {
  /// What it is called among programs.
  public let id: String
  /// What it is about, when the agent says so.
  public let title: String?
  /// The directory it works in, when the agent says so.
  public let workingDirectory: String?
  /// When it was last gone on with, as the agent writes it.
  public let updatedAt: String?
  /// All that the agent says of it.
  public let text: JSONText

  /// Reads an entry of `session/list`; nil when it has no id.
  init?(_ entry: JSONText) {
    guard let id = entry["sessionId"]?.string, !id.isEmpty else { return nil }
    self.id = id
    title = entry["title"]?.string
    workingDirectory = entry["cwd"]?.string
    updatedAt = entry["updatedAt"]?.string
    text = entry
  }

  /// The one that was gone on with last: by the time the agent says, else the first in its list.
  static func last(of conversations: [AgentConversation]) -> AgentConversation? {
    let dated = conversations.filter { $0.updatedAt != nil }
    return dated.max { ($0.updatedAt ?? "") < ($1.updatedAt ?? "") } ?? conversations.first
  }
}

/// Which conversation to go on with.
public enum ConversationChoice: Sendable, Hashable {
  /// The one that was gone on with last.
  case last
  /// The one of this id.
  case id(String)
}
