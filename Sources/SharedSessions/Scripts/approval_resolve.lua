#!lua
-- include: core session answer participant caller approval pending room dispatch option
-- Whoever may decide approves or rejects a proposal or answers what the agent asks; who comes first resolves it.
-- keys: session events participants credentials presence approvals order queue deadlines answers answers_order
-- args: id action reason edited dispatch_id seen_hash option given reasons_needed
--   action: approve, reject or '' (as the option says); seen_hash: SHA-256 of what was seen ('' not said)
--   given: the answer to a question ('-' it does not fit); others: JSON ('' none)
-- reply: ok, approval, its kind, host session id, then the ids of the agent's requests that were withdrawn
-- fails: votes where it is only a vote, for approval_vote.lua; SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED,
--   APPROVAL_NOT_FOUND, INVALID_FIELD with the kind, APPROVAL_ALREADY_RESOLVED with the status and who did, PROMPT_CHANGED,
--   INVALID_OPTION, OPTION_REQUIRED, INVALID_ANSWER, REASON_REQUIRED, APPROVAL_LIMIT for an edit that has no room
enter()
if caller_role ~= 'host' and not decides(caller_record) then return refuse('HOST_REQUIRED') end
read_record(id)
if not record then return refuse('APPROVAL_NOT_FOUND') end
local asks = record_kind == 'permission' or record_kind == 'question'
if (asks or record_kind == 'control') and edited ~= '' or asks and seen_hash ~= ''
  or option ~= '' and record_kind ~= 'permission' or given ~= '' and record_kind ~= 'question' then
  return refuse('INVALID_FIELD', record_kind)
end
refuse_resolved()
if seen_hash ~= '' and not string.find(call('HGET', approvals, id .. ':notes'), ' hash=' .. seen_hash, 1, true) then
  return refuse('PROMPT_CHANGED')
end
if asks then
  settle_request()
end
refuse_vote()
if reasons_needed == 'true' and action == 'reject' and reason == '' then return refuse('REASON_REQUIRED') end
if edited ~= '' then
  make_room(#reason + #edited, '')
elseif reason ~= '' or given ~= '' then
  drop_oldest(#reason + #given)
end

local word, bands, said = 'rejected', TWO_BANDS, reason ~= '' and ',"reason":' .. reason or ''
if action == 'approve' then word = 'approved' end
if asks then
  add_answer()
  bands, said = THREE_BANDS, said .. answered
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
emit_saved(asks and record_kind .. '_resolved' or 'prompt_' .. word, caller, string.sub(caller_record, 1, -2) .. online,
  (position and ',"position":' .. position or ''))
save()
if withdrawn then
  answer({'ok', saved, record_kind, host_session_id, unpack(withdrawn)})
end
answer({'ok', saved, record_kind, host_session_id})
