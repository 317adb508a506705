internal import RedisClient

/// The Lua scripts, one per operation, each put together from its file under `Scripts/` and the preludes it names in its
/// `-- include:` line. Immutable values, made once.
enum ScriptLibrary {
  static let sessionCreate = script("session_create", PackageResources.session_create_lua)
  static let sessionRead = script("session_read", PackageResources.session_read_lua)
  static let sessionMembers = script("session_members", PackageResources.session_members_lua)
  static let sessionSnapshot = script("session_snapshot", PackageResources.session_snapshot_lua)
  static let sessionUpdate = script("session_update", PackageResources.session_update_lua)
  static let sessionClose = script("session_close", PackageResources.session_close_lua)
  static let sessionDue = script("session_due", PackageResources.session_due_lua)
  static let participantJoin = script("participant_join", PackageResources.participant_join_lua)
  static let participantLeave = script("participant_leave", PackageResources.participant_leave_lua)
  static let participantList = script("participant_list", PackageResources.participant_list_lua)
  static let participantRole = script("participant_role", PackageResources.participant_role_lua)
  static let hostHandover = script("host_handover", PackageResources.host_handover_lua)
  static let presenceSet = script("presence_set", PackageResources.presence_set_lua)
  static let inviteRotate = script("invite_rotate", PackageResources.invite_rotate_lua)
  static let inviteRevoke = script("invite_revoke", PackageResources.invite_revoke_lua)
  static let inviteList = script("invite_list", PackageResources.invite_list_lua)
  static let inviteCreate = script("invite_create", PackageResources.invite_create_lua)
  static let callerCheck = script("caller_check", PackageResources.caller_check_lua)
  static let messagePost = script("message_post", PackageResources.message_post_lua)
  static let messageList = script("message_list", PackageResources.message_list_lua)
  static let promptSubmit = script("prompt_submit", PackageResources.prompt_submit_lua)
  static let approvalResolve = script("approval_resolve", PackageResources.approval_resolve_lua)
  static let approvalWithdraw = script("approval_withdraw", PackageResources.approval_withdraw_lua)
  static let queueWithdraw = script("queue_withdraw", PackageResources.queue_withdraw_lua)
  static let queueList = script("queue_list", PackageResources.queue_list_lua)
  static let approvalExpire = script("approval_expire", PackageResources.approval_expire_lua)
  static let permissionRequest = script("permission_request", PackageResources.permission_request_lua)
  static let permissionRead = script("permission_read", PackageResources.permission_read_lua)
  static let permissionWithdraw = script("permission_withdraw", PackageResources.permission_withdraw_lua)
  static let turnCancel = script("turn_cancel", PackageResources.turn_cancel_lua)
  static let streamAuthorize = script("stream_authorize", PackageResources.stream_authorize_lua)
  static let exportAuthorize = script("export_authorize", PackageResources.export_authorize_lua)
  static let notificationsAppend = script("notifications_append", PackageResources.notifications_append_lua)
  static let hostPresence = script("host_presence", PackageResources.host_presence_lua)
  static let hostRegister = script("host_register", PackageResources.host_register_lua)
  static let hostAnswer = script("host_answer", PackageResources.host_answer_lua)
  static let hostRead = script("host_read", PackageResources.host_read_lua)
  static let hostShare = script("host_share", PackageResources.host_share_lua)
  static let hostAttach = script("host_attach", PackageResources.host_attach_lua)
  static let hostRenew = script("host_renew", PackageResources.host_renew_lua)
  static let hostTake = script("host_take", PackageResources.host_take_lua)
  static let hostRelease = script("host_release", PackageResources.host_release_lua)
  static let hostCancel = script("host_cancel", PackageResources.host_cancel_lua)
  static let hostPermission = script("host_permission", PackageResources.host_permission_lua)
  static let hostSignal = script("host_signal", PackageResources.host_signal_lua)
  static let hostLapse = script("host_lapse", PackageResources.host_lapse_lua)
  static let hostDelete = script("host_delete", PackageResources.host_delete_lua)
  static let dispatchNext = script("dispatch_next", PackageResources.dispatch_next_lua)
  static let dispatchLease = script("dispatch_lease", PackageResources.dispatch_lease_lua)
  static let dispatchReport = script("dispatch_report", PackageResources.dispatch_report_lua)
  static let dispatchFail = script("dispatch_fail", PackageResources.dispatch_fail_lua)
  static let rateTake = script("rate_take", PackageResources.rate_take_lua)
  static let indexMove = script("index_move", PackageResources.index_move_lua)

  private static let preludes: [Substring: [UInt8]] = [
    "core": PackageResources.prelude_core_lua,
    "session": PackageResources.prelude_session_lua,
    "participant": PackageResources.prelude_participant_lua,
    "permission": PackageResources.prelude_permission_lua,
    "message": PackageResources.prelude_message_lua,
    "approval": PackageResources.prelude_approval_lua,
    "option": PackageResources.prelude_option_lua,
    "invite": PackageResources.prelude_invite_lua,
    "host": PackageResources.prelude_host_lua,
    "reader": PackageResources.prelude_reader_lua,
  ]

  private static func script(_ name: String, _ file: [UInt8]) -> RedisScript {
    let text = String(decoding: file, as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let shebang = lines.first ?? ""
    precondition(shebang.hasPrefix("#!lua"), "\(name).lua does not begin with #!lua")
    let mark = "-- include: "
    let included = lines.first { $0.hasPrefix(mark) }?.dropFirst(mark.count).split(separator: " ") ?? []
    var source = [String(shebang)]
    for prelude in included {
      guard let bytes = preludes[prelude] else { preconditionFailure("\(name).lua includes unknown '\(prelude)'") }
      source.append(String(decoding: bytes, as: UTF8.self))
    }
    source.append(lines.dropFirst().joined(separator: "\n"))
    return RedisScript(
      name: name, source: source.joined(separator: "\n"), isReadOnly: shebang.contains("no-writes"))
  }
}
