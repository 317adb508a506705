/// What a participant may do; the matrix itself is in `Scripts/include_role_matrix.lua`, the one place that decides.
public enum Role: String, Sendable, CaseIterable {
  case host, collaborator, viewer
}

/// Who may comment and prompt in a session.
public enum SessionMode: String, Sendable, CaseIterable {
  case viewOnly = "view_only"
  case commentOnly = "comment_only"
  case promptWithApproval = "prompt_with_approval"
  case promptDirect = "prompt_direct"
}

/// What viewers see of the agent's work.
public enum ViewerUpdates: String, Sendable, CaseIterable {
  /// Everything.
  case all
  /// Neither its thoughts nor what goes raw into and out of its tools.
  case reduced
}

/// Who may share a host session.
public enum HostSharing: String, Sendable, CaseIterable {
  /// Whoever holds its host token.
  case token
  /// Whoever may create sessions.
  case anyone
}

/// Where a session is in its life.
public enum SessionStatus: String, Sendable, CaseIterable {
  case active, closed, expired
}

/// What a host answers to a pending approval.
public enum ApprovalAction: String, Sendable, CaseIterable {
  case approve, reject
}

/// What a bridge reports of a dispatch.
public enum DispatchReportState: String, Sendable, CaseIterable {
  case started, completed, failed
}

/// How `join` treats a user who is already present.
public enum JoinReuse: String, Sendable, CaseIterable {
  /// The same participant with a further valid access token.
  case lenient
  /// The same participant only for a caller who also sends that participant's credentials.
  case strict
}

/// When an approved prompt runs.
public enum PromptDelivery: String, Sendable, CaseIterable {
  /// After what was approved before it.
  case queue
  /// Next: the turn that runs is stopped for it.
  case interrupt
}
