/// What the domain may be configured with. A plain value; reading configuration is the program's work.
public struct SharedSessionSettings: Sendable {
  /// What `join` does for a user who is present.
  public var joinReuse: JoinReuse = .lenient
  /// The longest life of a session, and its life when no expiry was asked for.
  public var maximumLifetime: Duration = .seconds(30 * 86_400)
  /// How long an ended session stays readable.
  public var retention: Duration = .seconds(7 * 86_400)
  /// About how many events a session keeps.
  public var eventsRetained: Int = 10_000
  /// About how many bytes of events a session keeps; the newest event is kept whatever its size.
  public var eventBytesRetained: Int = 64 << 20
  /// About how many bytes of events are read at once; a single larger event is read whole.
  public var eventPageBytes: Int = 1 << 20
  /// Participants present at a time.
  public var maximumParticipants: Int = 1_000
  /// Messages of a session.
  public var maximumMessages: Int = 100_000
  /// Bytes of the messages of a session.
  public var maximumMessageBytes: Int = 64 << 20
  /// Approvals of a session that are pending or queued.
  public var maximumPendingApprovals: Int = 1_000
  /// Those of one participant.
  public var maximumPendingApprovalsPerParticipant: Int = 300
  /// Resolved approvals a session keeps; the oldest go first.
  public var maximumApprovals: Int = 1_000
  /// Bytes of the approvals a session keeps; the oldest resolved ones go first.
  public var approvalBytesRetained: Int = 32 << 20
  /// Bytes of the attachments a session keeps; those of prompts that are over go first.
  public var attachmentBytesRetained: Int = 64 << 20
  /// Departed participants a session keeps; those who left first go first.
  public var maximumDeparted: Int = 1_000
  /// Answers to requests with an Idempotency-Key that a session keeps; the oldest go first.
  public var maximumAnswers: Int = 10_000
  /// Bytes of those answers; the oldest go first.
  public var answerBytesRetained: Int = 16 << 20
  /// Bytes of each part of what a session keeps of its agent: its modes, options, commands, plan and so on; what is larger is cut.
  public var agentPartBytes: Int = 64 << 10
  /// Entries of each list among them; further ones are left out.
  public var agentListEntries: Int = 500
  /// Permission requests of the agent that wait in a session.
  public var maximumPendingPermissions: Int = 100
  /// Scoped invites of a session, revoked ones included.
  public var maximumInvites: Int = 100
  /// Whether a rejection needs a reason.
  public var rejectionNeedsReason: Bool = false
  /// Shared sessions of one host session.
  public var maximumSessionsPerHost: Int = 1_000
  /// Participants and approvals in a snapshot, each.
  public var snapshotLimit: Int = 1_000
  /// How long a bridge stays attached without renewing.
  public var dispatchLease: Duration = .seconds(30)
  /// How long the prompts of a host that went offline wait for it to come back; zero: only `dispatchTimeout` counts.
  public var hostGrace: Duration = .seconds(300)
  /// How long a dispatch waits to be started.
  public var dispatchTimeout: Duration = .seconds(600)
  /// How often the sweeper looks for deadlines.
  public var sweepInterval: Duration = .milliseconds(500)
  /// How long a stream ticket is valid.
  public var ticketLifetime: Duration = .seconds(30)
  /// How long an Idempotency-Key is remembered.
  public var idempotencyLifetime: Duration = .seconds(86_400)
  /// How long a node counts as alive without renewing; bounds how late a dead node's participants go offline.
  public var nodeLease: Duration = .seconds(6)

  /// Dispatches and requests of a host session whose place is remembered.
  static let placesKept = 4_096
  /// Batches of notifications that are remembered by name, by each session and by the host session.
  static let batchesKept = 32
  /// Approvals that one step of a session's end may end, and bytes of them: less than 10 ms of Redis.
  static let endStepCount = 40
  static let endStepBytes = 1 << 20
  /// How long a session is not looked at by the sweeper at most: the time in which it repairs what a node that died between
  /// two steps has left.
  static let longestUnseen: Duration = .seconds(300)

  /// The defaults.
  public init() {}

  /// How much is kept of the agent.
  var agentLimits: AgentChanges.Limits { AgentChanges.Limits(partBytes: agentPartBytes, entries: agentListEntries) }

  /// After which time an approved prompt that has not started is looked at: the first at which it may be given up.
  var longestWait: Duration { hostGrace > .zero ? min(dispatchTimeout, hostGrace) : dispatchTimeout }
}
