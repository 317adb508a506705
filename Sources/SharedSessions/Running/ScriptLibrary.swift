/// The Lua scripts, one per operation: each put together once from its file under `Scripts/` and the functions it uses.
/// Immutable values.
///
/// `takes` is what the call sites pass by name; a test, and the node at its start, check it against the file's head.
enum ScriptLibrary {
  // Sessions.
  static let sessionCreate = script(
    "session_create", PackageResources.session_create_lua,
    takes: [
      "id", "workspace", "new_host_session", "host_user", "new_mode", "asked", "invite_hash", "name", "user_json",
      "new_timeout", "new_view", "layout",
    ])
  static let sessionRead = script("session_read", PackageResources.session_read_lua)
  static let sessionSnapshot = script(
    "session_snapshot", PackageResources.session_snapshot_lua, takes: ["most", "most_bytes"])
  static let sessionUpdate = script(
    "session_update", PackageResources.session_update_lua,
    takes: ["new_mode", "new_expiry", "new_timeout", "new_view", "new_needed", "dispatch_seed"])
  static let sessionEnd = script("session_end", PackageResources.session_end_lua, takes: ["cause"])
  static let sessionEndStep = script("session_end_step", PackageResources.session_end_step_lua)
  static let sessionDue = script("session_due", PackageResources.session_due_lua)
  static let sessionSweep = script(
    "session_sweep", PackageResources.session_sweep_lua, takes: ["host", "grace", "unavailable", "away"])

  // Participants and invites.
  static let participantJoin = script(
    "participant_join", PackageResources.participant_join_lua,
    takes: [
      "invite_hash", "user", "user_json", "name", "role", "id", "new_token", "reuse", "most", "tokens_kept",
      "most_departed",
    ])
  static let participantLeave = script(
    "participant_leave", PackageResources.participant_leave_lua, takes: ["id", "dispatch_seed"])
  static let participantList = script("participant_list", PackageResources.participant_list_lua, takes: ["most"])
  static let participantRole = script(
    "participant_role", PackageResources.participant_role_lua, takes: ["id", "role", "may", "dispatch_seed"])
  static let hostHandover = script("host_handover", PackageResources.host_handover_lua, takes: ["id", "dispatch_seed"])
  static let presenceSet = script(
    "presence_set", PackageResources.presence_set_lua, takes: ["id", "node", "streams"])
  static let inviteCreate = script(
    "invite_create", PackageResources.invite_create_lua,
    takes: ["id", "invite_hash", "role", "label", "uses", "lifetime", "most"])
  static let inviteList = script("invite_list", PackageResources.invite_list_lua)
  static let inviteRevoke = script("invite_revoke", PackageResources.invite_revoke_lua, takes: ["id"])
  static let inviteRotate = script("invite_rotate", PackageResources.invite_rotate_lua, takes: ["invite_hash"])
  static let callerCheck = script("caller_check", PackageResources.caller_check_lua, takes: ["who", "ready"])

  // Messages, prompts and decisions.
  static let messagePost = script("message_post", PackageResources.message_post_lua, takes: ["id", "text"])
  static let messageList = script(
    "message_list", PackageResources.message_list_lua, takes: ["after", "most", "most_bytes"])
  static let promptSubmit = script(
    "prompt_submit", PackageResources.prompt_submit_lua,
    takes: ["id", "prompt", "content", "prompt_hash", "delivery", "other_id"])
  static let controlSubmit = script(
    "control_submit", PackageResources.control_submit_lua,
    takes: ["id", "control_kind", "target", "value", "prompt", "prompt_hash", "other_id"])
  static let approvalResolve = script(
    "approval_resolve", PackageResources.approval_resolve_lua,
    takes: ["id", "action", "reason", "edited", "dispatch_id", "seen_hash", "option", "given"])
  static let approvalVote = script(
    "approval_vote", PackageResources.approval_vote_lua,
    takes: ["id", "reason", "edited", "dispatch_id", "seen_hash", "edited_hash", "blocks"])
  static let attachmentPut = script(
    "attachment_put", PackageResources.attachment_put_lua, takes: ["id", "unsupported", "blocks", "files"])
  static let attachmentRead = script(
    "attachment_read", PackageResources.attachment_read_lua, takes: ["id", "block"])
  static let approvalWithdraw = script("approval_withdraw", PackageResources.approval_withdraw_lua, takes: ["id"])
  static let queueList = script("queue_list", PackageResources.queue_list_lua, takes: ["most_bytes"])
  static let queueWithdraw = script("queue_withdraw", PackageResources.queue_withdraw_lua, takes: ["id"])
  static let permissionRequest = script(
    "permission_request", PackageResources.permission_request_lua,
    takes: ["prompt_id", "dispatch_id", "id", "summary", "tool_call", "options", "choices", "most_asked"])
  static let questionRequest = script(
    "question_request", PackageResources.question_request_lua,
    takes: ["prompt_id", "dispatch_id", "named", "id", "message", "question", "form", "most_asked"])
  static let questionSchema = script("question_schema", PackageResources.question_schema_lua, takes: ["id"])
  static let requestRead = script("request_read", PackageResources.request_read_lua, takes: ["id", "kind"])
  static let requestWithdraw = script(
    "request_withdraw", PackageResources.request_withdraw_lua, takes: ["id", "kind", "cancelling"])
  static let turnCancel = script(
    "turn_cancel", PackageResources.turn_cancel_lua, takes: ["id", "dispatch_id", "asked"])

  // Events.
  static let streamAuthorize = script(
    "stream_authorize", PackageResources.stream_authorize_lua, takes: ["cursor"])
  static let eventsPage = script(
    "events_page", PackageResources.events_page_lua, takes: ["after", "most", "most_bytes"])
  static let exportAuthorize = script("export_authorize", PackageResources.export_authorize_lua)
  static let notificationsAppend = script(
    "notifications_append", PackageResources.notifications_append_lua,
    takes: ["batch", "first", "changes", "notifications"])
  static let agentTake = script("agent_take", PackageResources.agent_take_lua, takes: ["parts"])
  static let hostPresence = script(
    "host_presence", PackageResources.host_presence_lua, takes: ["fence", "state", "grace"])

  // Dispatches, the session's side.
  static let dispatchNext = script("dispatch_next", PackageResources.dispatch_next_lua)
  static let dispatchLease = script(
    "dispatch_lease", PackageResources.dispatch_lease_lua, takes: ["id", "dispatch_id", "fence"])
  static let dispatchState = script("dispatch_state", PackageResources.dispatch_state_lua, takes: ["id"])
  static let dispatchReport = script(
    "dispatch_report", PackageResources.dispatch_report_lua,
    takes: ["id", "dispatch_id", "state", "attempt", "error", "stop_reason"])
  static let dispatchFail = script(
    "dispatch_fail", PackageResources.dispatch_fail_lua, takes: ["id", "dispatch_id", "message", "since"])

  // Host sessions.
  static let hostRegister = script(
    "host_register", PackageResources.host_register_lua,
    takes: ["id", "new_token", "user", "workspace", "agent", "version", "takes", "changes", "sharing"])
  static let hostAgent = script("host_agent", PackageResources.host_agent_lua)
  static let hostRead = script("host_read", PackageResources.host_read_lua)
  static let hostCheck = script("host_check", PackageResources.host_check_lua, takes: ["id"])
  static let hostAsks = script("host_asks", PackageResources.host_asks_lua)
  static let hostBatch = script("host_batch", PackageResources.host_batch_lua, takes: ["batch", "first", "changes"])
  static let hostShare = script(
    "host_share", PackageResources.host_share_lua, takes: ["id", "most", "token_needed"])
  static let hostDrop = script("host_drop", PackageResources.host_drop_lua, takes: ["id"])
  static let hostAttach = script("host_attach", PackageResources.host_attach_lua, takes: ["lease", "bridge"])
  static let hostRenew = script("host_renew", PackageResources.host_renew_lua, takes: ["lease", "fence"])
  static let hostTake = script(
    "host_take", PackageResources.host_take_lua, takes: ["fence", "session_id", "approval_id", "dispatch_id"])
  static let hostPlace = script("host_place", PackageResources.host_place_lua, takes: ["id", "session_id", "reply"])
  static let hostRelease = script("host_release", PackageResources.host_release_lua, takes: ["dispatch_id", "fence"])
  static let hostCancel = script("host_cancel", PackageResources.host_cancel_lua, takes: ["session_id"])
  static let hostSignal = script(
    "host_signal", PackageResources.host_signal_lua, takes: ["session_id", "requests"])
  static let hostLapse = script("host_lapse", PackageResources.host_lapse_lua)
  static let hostDelete = script("host_delete", PackageResources.host_delete_lua)

  // Single keys.
  static let rateTake = script("rate_take", PackageResources.rate_take_lua, takes: ["cost", "burst"])
  static let indexAdd = script(
    "index_add", PackageResources.index_add_lua, takes: ["member", "rule", "delay", "lifetime"])
  static let indexDue = script("index_due", PackageResources.index_due_lua, takes: ["most", "claim"])
  static let indexMove = script("index_move", PackageResources.index_move_lua, takes: ["member", "from", "delay"])

  /// All of them.
  static let all = [
    sessionCreate, sessionRead, sessionSnapshot, sessionUpdate, sessionEnd, sessionEndStep, sessionDue, sessionSweep,
    participantJoin, participantLeave, participantList, participantRole, hostHandover, presenceSet, inviteCreate,
    inviteList, inviteRevoke, inviteRotate, callerCheck, messagePost, messageList, promptSubmit, controlSubmit,
    approvalResolve,
    approvalVote, attachmentPut, attachmentRead,
    approvalWithdraw, queueList, queueWithdraw, permissionRequest, questionRequest,
    questionSchema, requestRead, requestWithdraw, turnCancel,
    streamAuthorize, eventsPage, exportAuthorize, notificationsAppend, hostPresence, dispatchNext, dispatchLease,
    dispatchState,
    dispatchReport, dispatchFail, hostRegister, hostAgent, agentTake, hostRead, hostCheck, hostAsks, hostBatch,
    hostShare,
    hostDrop, hostAttach,
    hostRenew, hostTake, hostPlace, hostRelease, hostCancel, hostSignal, hostLapse, hostDelete, rateTake, indexAdd,
    indexDue, indexMove,
  ]

  private static let files: [String: [ScriptPiece]] = [
    "core": ScriptPiece.pieces(of: PackageResources.include_core_lua),
    "clock": ScriptPiece.pieces(of: PackageResources.include_clock_lua),
    "session": ScriptPiece.pieces(of: PackageResources.include_session_lua),
    "answer": ScriptPiece.pieces(of: PackageResources.include_answer_lua),
    "participant": ScriptPiece.pieces(of: PackageResources.include_participant_lua),
    "caller": ScriptPiece.pieces(of: PackageResources.include_caller_lua),
    "reader": ScriptPiece.pieces(of: PackageResources.include_reader_lua),
    "list": ScriptPiece.pieces(of: PackageResources.include_list_lua),
    "role_matrix": ScriptPiece.pieces(of: PackageResources.include_role_matrix_lua),
    "trust": ScriptPiece.pieces(of: PackageResources.include_trust_lua),
    "departed": ScriptPiece.pieces(of: PackageResources.include_departed_lua),
    "message": ScriptPiece.pieces(of: PackageResources.include_message_lua),
    "approval": ScriptPiece.pieces(of: PackageResources.include_approval_lua),
    "pending": ScriptPiece.pieces(of: PackageResources.include_pending_lua),
    "room": ScriptPiece.pieces(of: PackageResources.include_room_lua),
    "option": ScriptPiece.pieces(of: PackageResources.include_option_lua),
    "vote": ScriptPiece.pieces(of: PackageResources.include_vote_lua),
    "attachment": ScriptPiece.pieces(of: PackageResources.include_attachment_lua),
    "dispatch": ScriptPiece.pieces(of: PackageResources.include_dispatch_lua),
    "end": ScriptPiece.pieces(of: PackageResources.include_end_lua),
    "invite": ScriptPiece.pieces(of: PackageResources.include_invite_lua),
    "host": ScriptPiece.pieces(of: PackageResources.include_host_lua),
    "host_text": ScriptPiece.pieces(of: PackageResources.include_host_text_lua),
    "agent": ScriptPiece.pieces(of: PackageResources.include_agent_lua),
    "place": ScriptPiece.pieces(of: PackageResources.include_place_lua),
  ]

  private static func script(_ name: String, _ file: [UInt8], takes: [String] = []) -> DomainScript {
    DomainScript(name, file, takes: takes, including: files)
  }
}
