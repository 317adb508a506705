internal import JSONText
public import NIOCore

/// What one reader may see of a session's events. A value that follows the events which change it.
///
/// It is taken in the script that lets the reader in, and true as of the newest event then. That is also what decides
/// about older events in a replay: a host who reduces what viewers see does not want the past to be read either.
public struct EventVisibility: Sendable, Hashable {
  /// Whose view it is; nil for a reader without credentials.
  private let participantID: String?
  /// Whether it is nobody's whom the setting is about: the holder of an API key.
  private let isExempt: Bool
  private var role: Role?
  private var viewerUpdates: ViewerUpdates
  /// The newest event when this was true.
  private var asOf: EventID

  /// The view of a participant, or of a reader without credentials, who sees what viewers see.
  ///
  /// - Parameter id: the newest event at that moment.
  public init(participantID: String?, role: Role?, viewerUpdates: ViewerUpdates, asOf id: EventID) {
    self.participantID = participantID
    self.isExempt = false
    self.role = role
    self.viewerUpdates = viewerUpdates
    self.asOf = id
  }

  private init() {
    participantID = nil
    isExempt = true
    viewerUpdates = .all
    asOf = .zero
  }

  /// The view of somebody who may see everything whatever the host sets.
  public static let everything = EventVisibility()

  /// Whether the reader gets events as `ViewerReduction` makes them.
  public var isReduced: Bool {
    !isExempt && viewerUpdates == .reduced && (role ?? .viewer) == .viewer
  }

  /// An event has been passed on; what it changes counts for those after it.
  ///
  /// - Parameter id: the event's own; older ones than this view change nothing.
  public mutating func passed(_ change: VisibilityChange, at id: EventID) {
    guard id > asOf else { return }
    asOf = id
    switch change {
    case .role(let role, let participantID): if participantID == self.participantID { self.role = role }
    case .viewerUpdates(let viewerUpdates): self.viewerUpdates = viewerUpdates
    }
  }
}

/// What an event changes about who may see what. A value.
public enum VisibilityChange: Sendable, Hashable {
  /// A participant has this role from now on.
  case role(Role, participantID: String)
  /// Viewers see this much from now on.
  case viewerUpdates(ViewerUpdates)

  /// What an event changes, or nil. One that cannot be understood changes to the least.
  ///
  /// - Parameters:
  ///   - subject: the participant it is about.
  ///   - json: the whole event.
  public init?(_ type: String, subject: String?, _ json: ByteBuffer) {
    guard type == "participant_updated" || type == "session_updated" else { return nil }
    let payload = (try? JSONText(validating: json))?["payload"]
    if type == "participant_updated" {
      guard let subject else { return nil }
      let role = payload?["participant"]?["role"]?.string.flatMap(Role.init(rawValue:))
      self = .role(role ?? .viewer, participantID: subject)
    } else {
      guard let session = payload?["session"] else {
        self = .viewerUpdates(.reduced)
        return
      }
      // A node of an earlier version writes sessions without it, and leaves it as it is.
      guard let word = session["viewerUpdates"] else { return nil }
      self = .viewerUpdates(word.string.flatMap(ViewerUpdates.init(rawValue:)) ?? .reduced)
    }
  }
}
