internal import Basics

/// The arguments the runner fills in by itself, wherever a script or a piece it uses names them.
enum FrameArgument: String, Sendable, CaseIterable {
  /// The caller's participant id ('' none), the digest of their token ('' none), and how they come.
  case caller, token, how
  /// The idempotent request, as `include_answer.lua` reads it.
  case once
  /// The bounds and times the node is configured with. They stand in the script itself, as texts.
  case eventsKept = "events_kept"
  case eventBytesKept = "event_bytes_kept"
  case mostMessages = "most_messages"
  case mostMessageBytes = "most_message_bytes"
  case mostApprovals = "most_approvals"
  case mostApprovalBytes = "most_approval_bytes"
  case mostWaiting = "most_waiting"
  case mostOwn = "most_own"
  /// 'true' when a rejection needs a reason.
  case reasonsNeeded = "reasons_needed"
  case mostAttachmentBytes = "most_attachment_bytes"
  case dispatchTimeout = "dispatch_timeout"
  case hostLifetime = "host_lifetime"
  case mostPlaces = "most_places"
  case batchesKept = "batches_kept"
  case stepCount = "step_count"
  case stepBytes = "step_bytes"
  case longest, retention

  /// Whether it is the same for every call of a node.
  var isSetting: Bool {
    switch self {
    case .caller, .token, .how, .once: false
    default: true
    }
  }

  /// The value of a setting: a whole number, times in milliseconds, or `true` or `false`.
  func value(in settings: SharedSessionSettings) -> String {
    if self == .reasonsNeeded { return String(settings.rejectionNeedsReason) }
    let number: Int =
      switch self {
      case .eventsKept: settings.eventsRetained
      case .eventBytesKept: settings.eventBytesRetained
      case .mostMessages: settings.maximumMessages
      case .mostMessageBytes: settings.maximumMessageBytes
      case .mostApprovals: settings.maximumApprovals
      case .mostApprovalBytes: settings.approvalBytesRetained
      case .mostWaiting: settings.maximumPendingApprovals
      case .mostOwn: settings.maximumPendingApprovalsPerParticipant
      case .mostAttachmentBytes: settings.attachmentBytesRetained
      case .dispatchTimeout: Int(settings.dispatchTimeout.wholeMilliseconds)
      case .hostLifetime: Int((settings.maximumLifetime + settings.retention).wholeMilliseconds)
      case .mostPlaces: SharedSessionSettings.placesKept
      case .batchesKept: SharedSessionSettings.batchesKept
      case .stepCount: SharedSessionSettings.endStepCount
      case .stepBytes: SharedSessionSettings.endStepBytes
      case .longest: Int(settings.maximumLifetime.wholeMilliseconds)
      case .retention: Int(settings.retention.wholeMilliseconds)
      case .caller, .token, .how, .once, .reasonsNeeded: preconditionFailure("not a whole number of the settings")
      }
    return String(number)
  }
}
