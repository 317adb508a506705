/// The names of everything the service keeps in Redis. A value.
///
/// All keys of one session share the hash tag `{id}`, so that a script stays in one slot of a cluster. Ids that come from
/// outside never hold a brace (`FieldRules`), so nobody can choose a slot or reach into another session's keys.
public struct KeyLayout: Sendable, Hashable {
  /// What every key begins with.
  public let prefix: String

  /// A layout with a prefix.
  public init(prefix: String = "tandem") {
    self.prefix = prefix
  }

  /// The session's hash; the other keys of the session begin with it.
  public func session(_ id: String) -> String { "\(prefix):{\(id)}" }
  /// The session's events, a stream.
  public func events(_ id: String) -> String { session(id) + ":events" }
  /// The shard channel the session's events are published on; scripts derive the same name.
  public func channel(_ id: String) -> String { session(id) + ":live" }
  /// One participant, a hash.
  public func participant(_ id: String, _ participantID: String) -> String {
    session(id) + ":participant:" + participantID
  }
  /// Join order to participant id, a sorted set.
  public func participants(_ id: String) -> String { session(id) + ":participants" }
  /// User id to the id of the participant they are present as, a hash.
  public func users(_ id: String) -> String { session(id) + ":users" }
  /// Messages, a stream.
  public func messages(_ id: String) -> String { session(id) + ":messages" }
  /// One approval with its dispatch, a hash.
  public func approval(_ id: String, _ approvalID: String) -> String { session(id) + ":approval:" + approvalID }
  /// Order to approval id, a sorted set.
  public func approvals(_ id: String) -> String { session(id) + ":approvals" }
  /// Pending approval id to its author's participant id, a hash.
  public func pending(_ id: String) -> String { session(id) + ":pending" }
  /// Approval order in microseconds to the id of an approval waiting for dispatch, a sorted set.
  public func queue(_ id: String) -> String { session(id) + ":queue" }
  /// When a pending approval expires, to its id, a sorted set; only approvals with such a time.
  public func expiring(_ id: String) -> String { session(id) + ":expiring" }
  /// Waiting permission request to the id of the dispatch whose turn it belongs to, a hash.
  public func permissions(_ id: String) -> String { session(id) + ":permissions" }
  /// One scoped invite, a hash.
  public func invite(_ id: String, _ inviteID: String) -> String { session(id) + ":invite:" + inviteID }
  /// Order to the id of a scoped invite, a sorted set.
  public func invites(_ id: String) -> String { session(id) + ":invites" }
  /// Digest of a scoped invite's token to its id, a hash; only those that are not revoked.
  public func inviteTokens(_ id: String) -> String { session(id) + ":inviteTokens" }
  /// The kept answer of an idempotent request, a hash.
  public func idempotency(_ id: String, _ digest: String) -> String { session(id) + ":idem:" + digest }

  /// When a kept answer ends, to its digest, a sorted set: so that the answers go with their session.
  public func idempotencyKeys(_ id: String) -> String { session(id) + ":idems" }

  /// A host session, a hash.
  public func host(_ id: String) -> String { "\(prefix):host:{\(id)}" }
  /// Its active shared sessions, a sorted set by creation.
  public func hostSessions(_ id: String) -> String { host(id) + ":sessions" }
  /// Where a dispatch of it belongs, a string: session id, blank, approval id.
  public func hostDispatch(_ id: String, _ dispatchID: String) -> String { host(id) + ":dispatch:" + dispatchID }
  /// Where a permission request of it belongs, a string: session id.
  public func hostPermission(_ id: String, _ approvalID: String) -> String { host(id) + ":permission:" + approvalID }
  /// The kept answer of an idempotent registration, a hash.
  public func hostIdempotency(_ id: String, _ digest: String) -> String { host(id) + ":idem:" + digest }
  /// The shard channel that tells the attached node to look.
  public func hostChannel(_ id: String) -> String { host(id) + ":live" }

  /// All sessions by creation, a sorted set.
  public var allSessions: String { "\(prefix):index:sessions" }
  /// Active sessions by creation (those whose expiry has not been swept included), a sorted set.
  public var activeSessions: String { "\(prefix):index:active" }
  /// Sessions of a workspace by creation, a sorted set.
  public func workspaceSessions(_ workspaceID: String) -> String { "\(prefix):index:workspace:{\(workspaceID)}" }
  /// Sessions of a host session by creation, ended ones included, a sorted set.
  public func sessionsOfHost(_ hostSessionID: String) -> String { "\(prefix):index:host:{\(hostSessionID)}" }

  /// In how many buckets the deadlines lie, so that no single key of a cluster gets all of them.
  public static let buckets = 16
  /// Deadlines of sessions (expiry, overdue dispatches) in milliseconds, a sorted set.
  public func deadlines(bucket: Int) -> String { "\(prefix):index:deadlines:\(bucket)" }
  /// Ends of the leases of host sessions in milliseconds, a sorted set.
  public func leases(bucket: Int) -> String { "\(prefix):index:leases:\(bucket)" }
  /// When an ended session is gone, in milliseconds, to `session host workspace`, a sorted set: what to take it out of.
  public func purges(bucket: Int) -> String { "\(prefix):index:purges:\(bucket)" }
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
