#!lua
-- include: core session answer participant caller approval pending dispatch option
-- The host, or whoever may decide as well, approves or rejects a prompt or answers the agent's permission request; who
-- comes first resolves, everybody else is told so.
-- keys: session events participants credentials presence approvals order queue deadlines answers answers_order
-- args: id action reason edited dispatch_id seen_hash reason_needed option
--   action: approve, reject or '' (as the option says); reason, edited, option: JSON ('' none)
--   seen_hash: SHA-256 of the text the caller saw ('' not said); reason_needed: 'true' when a rejection needs a reason
-- reply: ok, approval, its kind, host session id
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, APPROVAL_NOT_FOUND, INVALID_FIELD with the kind,
--   APPROVAL_ALREADY_RESOLVED with the status and who did, PROMPT_CHANGED, INVALID_OPTION, OPTION_REQUIRED, REASON_REQUIRED,
--   APPROVAL_LIMIT for an edit that has no room
enter()
if caller_role ~= 'host' and not decides(caller_record) then return refuse('HOST_REQUIRED') end
find_approval(id)
local a = found
if not a then return refuse('APPROVAL_NOT_FOUND') end
local asks = a.kind == 'permission'
if asks and edited .. seen_hash ~= '' or not asks and option ~= '' then return refuse('INVALID_FIELD', a.kind) end
if not is_pending(a) then return already_resolved(a) end
if seen_hash ~= '' and seen_hash ~= string.match(a.notes, ' hash=(%S+)') then return refuse('PROMPT_CHANGED') end
local action = action
if asks then
  local refusal
  option, action, refusal = choose(call('HGET', approvals, id .. ':options'), action, option)
  if refusal then return refusal end
end
if reason_needed == 'true' and action == 'reject' and reason == '' then return refuse('REASON_REQUIRED') end
-- What is said takes the room of what is over; only an edit can do without.
if edited ~= '' then
  count_approvals()
  make_room(#reason + #edited, '')
elseif reason ~= '' then
  count_approvals()
  drop_oldest(#reason)
end

resolve(a, action == 'approve' and 'approved' or 'rejected', caller)
if reason ~= '' then a.more = a.more .. ',"reason":' .. reason end
if asks then a.more = a.more .. ',"optionId":' .. option end
local band = OVER
if action == 'approve' and not asks then
  if edited ~= '' then a.more = a.more .. ',"editedPrompt":' .. edited end
  a.dispatch = {id = dispatch_id, state = 'queued', attempt = 0, more = ''}
  enqueue(id)
  band = LIVE
end
move_approval(a, band)
find_online()
emit_saved(asks and 'permission_resolved' or 'prompt_' .. a.status, caller,
  string.sub(caller_record, 1, -2) .. online, position and ',"position":' .. position or '')
save()
answer({'ok', saved, a.kind, host_session_id})
