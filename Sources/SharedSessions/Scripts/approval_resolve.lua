#!lua
-- include: core session answer participant caller approval pending room dispatch option
-- The host, or whoever may decide as well, approves or rejects a prompt or answers the agent's permission request; who
-- comes first resolves, everybody else is told so.
-- keys: session events participants credentials presence approvals order queue deadlines answers answers_order
-- args: id action reason edited dispatch_id seen_hash option reasons_needed
--   action: approve, reject or '' (as the option says); seen_hash: SHA-256 of what was seen ('' not said); others: JSON ('' none)
-- reply: ok, approval, its kind, host session id, then the ids of the agent's requests that were withdrawn
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, APPROVAL_NOT_FOUND, INVALID_FIELD with the kind,
--   APPROVAL_ALREADY_RESOLVED with the status and who did, PROMPT_CHANGED, INVALID_OPTION, OPTION_REQUIRED, REASON_REQUIRED,
--   APPROVAL_LIMIT for an edit that has no room
enter()
if caller_role ~= 'host' and not decides(caller_record) then return refuse('HOST_REQUIRED') end
read_record(id)
if not record then return refuse('APPROVAL_NOT_FOUND') end
local asks = record_kind == 'permission'
if asks and edited .. seen_hash ~= '' or not asks and option ~= '' or edited ~= '' and record_kind == 'control' then
  return refuse('INVALID_FIELD', record_kind)
end
refuse_resolved()
if seen_hash ~= '' and not string.find(call('HGET', approvals, id .. ':notes'), ' hash=' .. seen_hash, 1, true) then
  return refuse('PROMPT_CHANGED')
end
if asks then
  choose(call('HGET', approvals, id .. ':options'), action, option)
  option, action = chosen, side_chosen
end
if reasons_needed == 'true' and action == 'reject' and reason == '' then return refuse('REASON_REQUIRED') end
-- What is said takes the room of what is over; only an edit can do without.
if edited ~= '' then
  make_room(#reason + #edited, '')
elseif reason ~= '' then
  drop_oldest(#reason)
end

local word, bands, said = 'rejected', TWO_BANDS, ''
if reason ~= '' then said = ',"reason":' .. reason end
if action == 'approve' then word = 'approved' end
if asks then
  bands, said = THREE_BANDS, said .. ',"optionId":' .. option
elseif action == 'approve' then
  if edited ~= '' then said = said .. ',"editedPrompt":' .. edited end
  bands, said = ONE_BAND, said .. ',"dispatch":{"id":"' .. dispatch_id .. '","state":"queued","attempt":0}'
end
settle(id, word, bands, ',"resolvedByParticipantId":"' .. caller .. '"' .. said)
if bands == ONE_BAND then
  if string.sub(record, -24) == ',"delivery":"interrupt"}' then
    interrupt(id)
  else
    enqueue(id)
  end
end
find_online()
emit_saved(asks and 'permission_resolved' or 'prompt_' .. word, caller, string.sub(caller_record, 1, -2) .. online,
  (position and ',"position":' .. position or ''))
save()
if withdrawn then
  answer({'ok', saved, record_kind, host_session_id, unpack(withdrawn)})
end
answer({'ok', saved, record_kind, host_session_id})
