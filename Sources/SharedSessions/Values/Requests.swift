public import NIOCore

/// A participant's id and access token, as a caller sent them. Nothing about them has been checked.
public struct ParticipantCredentials: Sendable, Hashable {
  /// The participant's id.
  public var participantID: String
  /// The access token in the clear; only its digest leaves the node.
  public var token: String

  /// Pairs an id with a token.
  public init(participantID: String, token: String) {
    self.participantID = participantID
    self.token = token
  }
}

/// Who asks for a read.
public enum Reader: Sendable, Hashable {
  /// The caller holds an API key, and so may read everything.
  case trusted
  /// The access policy is `open`: whoever asks may read. Credentials say what the caller sees beyond what viewers see; wrong ones
  /// are refused as they are everywhere.
  case anybody(ParticipantCredentials?)
  /// The caller must be an active participant of the session.
  case participant(ParticipantCredentials)
}

/// What makes a POST repeatable: the header's value and what it is bound to.
public struct IdempotencyRequest: Sendable, Hashable {
  /// The `Idempotency-Key` header, 1-64 of `A-Za-z0-9_-`.
  public var key: String
  /// The method and path.
  public var route: String
  /// Whatever identifies the caller: credentials, token or API key; hashed, never stored.
  public var caller: String
  /// The request body as sent.
  public var body: ByteBuffer

  /// Binds a key to a route, a caller and a body.
  public init(key: String, route: String, caller: String, body: ByteBuffer) {
    self.key = key
    self.route = route
    self.caller = caller
    self.body = body
  }
}

/// The body of `POST /api/shared-sessions`, form already checked.
public struct CreateSession: Sendable {
  /// The host session to share.
  public var hostSessionID: String
  /// The host's user id.
  public var hostUserID: String
  /// What the host is called.
  public var hostDisplayName: String?
  /// Who may do what.
  public var mode: SessionMode
  /// The workspace; `nil` takes the host session's.
  public var workspaceID: String?
  /// Minutes until expiry; `nil` or <= 0: none asked for.
  public var expiresInMinutes: Int64?
  /// Seconds an approval may stay pending; `nil` or <= 0: as long as the session.
  public var approvalTimeoutSeconds: Int64?
  /// What viewers see of the agent's work.
  public var viewerUpdates: ViewerUpdates
  /// The host token sent as bearer, if any.
  public var hostToken: String?
  /// True in `keyed` access: the host token must be right, whatever the host session says.
  public var hostTokenRequired: Bool

  /// Gathers the fields.
  public init(
    hostSessionID: String, hostUserID: String, hostDisplayName: String? = nil,
    mode: SessionMode = .promptWithApproval, workspaceID: String? = nil, expiresInMinutes: Int64? = nil,
    approvalTimeoutSeconds: Int64? = nil, viewerUpdates: ViewerUpdates = .all, hostToken: String? = nil,
    hostTokenRequired: Bool = false
  ) {
    self.hostSessionID = hostSessionID
    self.hostUserID = hostUserID
    self.hostDisplayName = hostDisplayName
    self.mode = mode
    self.workspaceID = workspaceID
    self.expiresInMinutes = expiresInMinutes
    self.approvalTimeoutSeconds = approvalTimeoutSeconds
    self.viewerUpdates = viewerUpdates
    self.hostToken = hostToken
    self.hostTokenRequired = hostTokenRequired
  }
}

/// The body of `POST .../join`, form already checked.
public struct JoinSession: Sendable {
  /// The invite in the clear.
  public var inviteToken: String
  /// Who joins, trimmed.
  public var userID: String
  /// What they are called.
  public var displayName: String?
  /// The role asked for; `host` becomes `collaborator`.
  public var role: Role
  /// Credentials of that user's present participant, needed to join again when reuse is strict.
  public var credentials: ParticipantCredentials?

  /// Gathers the fields.
  public init(
    inviteToken: String, userID: String, displayName: String? = nil, role: Role = .collaborator,
    credentials: ParticipantCredentials? = nil
  ) {
    self.inviteToken = inviteToken
    self.userID = userID
    self.displayName = displayName
    self.role = role
    self.credentials = credentials
  }
}

/// The body of `POST .../invites`, form already checked.
public struct CreateInvite: Sendable {
  /// The highest role it gives; a viewer's invite makes viewers whatever is asked for.
  public var role: Role
  /// What the host calls it.
  public var label: String?
  /// How many may join with it; `nil` is no limit.
  public var maximumUses: Int64?
  /// Minutes until it ends; `nil` or <= 0: with the session.
  public var expiresInMinutes: Int64?

  /// Gathers the fields.
  public init(
    role: Role = .collaborator, label: String? = nil, maximumUses: Int64? = nil, expiresInMinutes: Int64? = nil
  ) {
    self.role = role
    self.label = label
    self.maximumUses = maximumUses
    self.expiresInMinutes = expiresInMinutes
  }
}

/// The query of `GET /api/shared-sessions`; filters are ANDed and exact.
public struct SessionFilter: Sendable {
  /// Only this workspace.
  public var workspaceID: String?
  /// Only sessions of this host session.
  public var hostSessionID: String?
  /// Only this status.
  public var status: SessionStatus?
  /// How many at most, 1-500.
  public var limit: Int
  /// Where the previous page ended, as `nextCursor` gave it.
  public var cursor: String?

  /// Gathers the filters.
  public init(
    workspaceID: String? = nil, hostSessionID: String? = nil, status: SessionStatus? = nil, limit: Int = 100,
    cursor: String? = nil
  ) {
    self.workspaceID = workspaceID
    self.hostSessionID = hostSessionID
    self.status = status
    self.limit = limit
    self.cursor = cursor
  }
}

/// The body of `POST /api/host-sessions`, form already checked.
public struct RegisterHostSession: Sendable {
  /// Whose agent it is.
  public var userID: String
  /// The workspace, `default` when absent.
  public var workspaceID: String
  /// A wished-for id; `nil` makes a new one.
  public var hostSessionID: String?
  /// The agent's name and version.
  public var agentName: String?
  /// The agent's version.
  public var agentVersion: String?
  /// What else the bridge says of the agent; its name and version here do not count.
  public var agent: AgentIntroduction?
  /// The kinds of blocks the agent takes beside texts and links (`image`, `audio`, `resource`); `nil` when it was not said.
  public var takes: [String]?
  /// The token of an existing host session, to attach to it again.
  public var hostToken: String?
  /// Who may share it; what was said when it was first registered stays.
  public var sharing: HostSharing

  /// Gathers the fields.
  public init(
    userID: String, workspaceID: String = "default", hostSessionID: String? = nil, agentName: String? = nil,
    agentVersion: String? = nil, agent: AgentIntroduction? = nil, takes: [String]? = nil, hostToken: String? = nil,
    sharing: HostSharing = .anyone
  ) {
    self.userID = userID
    self.workspaceID = workspaceID
    self.hostSessionID = hostSessionID
    self.agentName = agentName
    self.agentVersion = agentVersion
    self.agent = agent
    self.takes = takes
    self.hostToken = hostToken
    self.sharing = sharing
  }
}

/// A bridge's report of a dispatch, form already checked.
public struct DispatchReport: Sendable {
  /// What happened.
  public var state: DispatchReportState
  /// The attempt the bridge was handed; the fence.
  public var attempt: Int64
  /// Why it failed.
  public var error: String?
  /// The agent's `stopReason` (ACP `session/prompt`).
  public var stopReason: String?

  /// Gathers the fields.
  public init(state: DispatchReportState, attempt: Int64, error: String? = nil, stopReason: String? = nil) {
    self.state = state
    self.attempt = attempt
    self.error = error
    self.stopReason = stopReason
  }
}
