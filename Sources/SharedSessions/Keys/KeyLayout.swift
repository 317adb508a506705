/// The names of the keys of one session, fixed: however much happens in it, a session has no others.
///
/// The raw value is what scripts call it. What each holds is described in `README.md` beside this module's sources.
public enum SessionKey: String, Sendable, CaseIterable {
  /// Hash: the session's fields and counters, and its JSON as it is sent.
  case session
  /// Hash: participant id to their record.
  case participants
  /// Hash: participant id to the digests of their tokens, the first one first.
  case credentials
  /// Hash: user id (as JSON) to the id of the participant they are present as.
  case users
  /// Hash: participant id to the streams each node holds of theirs.
  case presence
  /// Hash: approval id to its record, with the service's notes beside it.
  case approvals
  /// Sorted set: approval ids by number, in bands of what they wait for.
  case order
  /// Sorted set: approved prompts that wait for their dispatch, by approval in microseconds.
  case queue
  /// Sorted set: approvals by when their time is over, in milliseconds.
  case deadlines
  /// Hash: invite id to its record, token digest to invite id.
  case invites
  /// Hash: the kept answers of idempotent requests.
  case answers
  /// Sorted set: kept answers by when they end, in milliseconds.
  case answersOrder = "answers_order"
  /// Stream: the messages.
  case messages
  /// Stream: the events.
  case events

  /// What follows the session's own key in the name.
  var suffix: String {
    switch self {
    case .session: ""
    case .order: ":approvals:order"
    case .answersOrder: ":answers:order"
    default: ":" + rawValue
    }
  }
}

/// The names of the keys of one host session, fixed as those of a session are.
public enum HostKey: String, Sendable, CaseIterable {
  /// Hash: the host session's fields, its lease, its running slot.
  case host
  /// Sorted set: its active shared sessions by creation.
  case sessions
  /// Hash: what is kept of its agent, for sessions to come.
  case agentState = "agent_state"
  /// Hash: where its dispatches and requests belong.
  case places
  /// Sorted set: those by age.
  case placesOrder = "places_order"
  /// Hash: the kept answers of idempotent requests.
  case answers
  /// Sorted set: kept answers by when they end, in milliseconds.
  case answersOrder = "answers_order"

  var suffix: String {
    switch self {
    case .host: ""
    case .agentState: ":agent"
    case .placesOrder: ":places:order"
    case .answersOrder: ":answers:order"
    default: ":" + rawValue
    }
  }
}

/// The names of all keys in Redis, in one place. A value.
///
/// Everything of one session has the hash tag `{session id}` and so lies in one slot of a cluster; the same goes for a
/// host session. Indexes are in slots of their own and are only hints: what they name may be gone, never the
/// other way round. No part of a key comes from outside but ids that hold no braces (`FieldRules`), so nobody can choose
/// a slot or reach into another session's keys.
public struct KeyLayout: Sendable, Hashable {
  /// The number of this layout. Nodes of another one must not touch these keys.
  public static let version = "4"

  /// What every key begins with.
  public let prefix: String

  /// A layout with a prefix.
  public init(prefix: String = "tandem") {
    self.prefix = prefix
  }

  /// One key of a session.
  public func session(_ id: String, _ key: SessionKey = .session) -> String { "\(prefix):{\(id)}\(key.suffix)" }
  /// The shard channel the session's events are published on; scripts derive the same name.
  public func channel(_ id: String) -> String { session(id) + ":live" }

  /// One key of a host session.
  public func host(_ id: String, _ key: HostKey = .host) -> String { "\(prefix):host:{\(id)}\(key.suffix)" }
  /// The shard channel that tells the attached node to look.
  public func hostChannel(_ id: String) -> String { host(id) + ":live" }

  /// The number of the layout these keys have, a string.
  public var layout: String { "\(prefix):layout" }
  /// Copies of that number, each in another slot of a cluster.
  public var layoutCopies: [String] { (0..<4).map { "\(prefix):layout:{\($0)}" } }

  /// All sessions by creation, a sorted set.
  public var allSessions: String { "\(prefix):index:sessions" }
  /// Active sessions by creation (those whose expiry has not been swept included), a sorted set.
  public var activeSessions: String { "\(prefix):index:active" }
  /// Sessions of a workspace by creation, a sorted set.
  public func workspaceSessions(_ workspaceID: String) -> String { "\(prefix):index:workspace:{\(workspaceID)}" }
  /// Sessions of a host session by creation, ended ones included, a sorted set.
  public func sessionsOfHost(_ hostSessionID: String) -> String { "\(prefix):index:host:{\(hostSessionID)}" }

  /// In how many buckets the times lie at which something is due, so that no single key of a cluster gets all of them.
  public static let buckets = 16
  /// When a session is to be looked at (expiry, overdue approvals) in milliseconds, a sorted set.
  public func deadlines(bucket: Int) -> String { "\(prefix):index:deadlines:\(bucket)" }
  /// When the lease of a host session ends in milliseconds, a sorted set.
  public func leases(bucket: Int) -> String { "\(prefix):index:leases:\(bucket)" }
  /// When to check that a session is listed where it belongs and nowhere else, in milliseconds, to
  /// `session host workspace`, a sorted set: soon after it was begun, and when it is gone.
  public func listings(bucket: Int) -> String { "\(prefix):index:listings:\(bucket)" }
  /// The bucket of an id: the same on every node and in every version.
  public static func bucket(of id: String) -> Int {
    Int(id.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 } % UInt32(buckets))
  }

  /// Nodes by the end of their lease in milliseconds, a sorted set.
  public var nodes: String { "\(prefix):index:nodes" }
  /// `session participant` of everybody a node holds streams of, a set.
  public func nodePresence(_ nodeID: String) -> String { "\(prefix):node:{\(nodeID)}:presence" }
  /// When a caller's requests have drained, a string of microseconds.
  public func rate(_ kind: String, _ digest: String) -> String { "\(prefix):rate:{\(kind):\(digest)}" }
  /// A single-use stream ticket, a string: session id, blank, participant id.
  public func ticket(_ digest: String) -> String { "\(prefix):ticket:{\(digest)}" }
}
