#!lua
-- include: core session answer participant caller approval pending room dispatch vote
-- Approves a prompt where more than one must agree, or where an edit drops some of its blocks: a vote, and the last one that was
-- missing approves it.
-- keys: session events participants credentials presence approvals order queue deadlines answers answers_order
-- args: id reason edited dispatch_id seen_hash edited_hash blocks
--   reason, edited, blocks: JSON ('' none), blocks being those of the prompt with those marked that are dropped
--   seen_hash: SHA-256 of what the caller saw ('' not said); edited_hash: of what was edited ('' nothing)
-- reply: ok, approval, 'prompt', or 'vote' while others are missing, host session id, then the
--   ids of the agent's requests that were withdrawn
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, APPROVAL_NOT_FOUND, INVALID_FIELD with the kind,
--   APPROVAL_ALREADY_RESOLVED with the status and who did, PROMPT_CHANGED, ALREADY_VOTED, APPROVAL_LIMIT
enter()
if caller_role ~= 'host' and not decides(caller_record) then return refuse('HOST_REQUIRED') end
read_record(id)
if not record then return refuse('APPROVAL_NOT_FOUND') end
if record_kind == 'permission' or record_kind == 'question' or edited .. blocks ~= '' and record_kind == 'control' then
  return refuse('INVALID_FIELD', record_kind)
end
refuse_resolved()
if seen_hash ~= '' and not string.find(call('HGET', approvals, id .. ':notes'), ' hash=' .. seen_hash, 1, true) then
  return refuse('PROMPT_CHANGED')
end
make_room(#reason + #edited + #blocks, '')
find_needed()
local count, rest = vote()
if not count then
  if rest[1] ~= 'ok' then return rest end
  save()
  answer(rest)
end
settle(id, 'approved', ONE_BAND, ',"resolvedByParticipantId":"' .. caller .. '"'
  .. (reason ~= '' and ',"reason":' .. reason or '') .. (needed > 1 and ',"votes":' .. count or '')
  .. (rest ~= '' and ',"editedPrompt":' .. rest or '') .. ',"dispatch":{"id":"' .. dispatch_id
  .. '","state":"queued","attempt":0}')
if string.sub(record, -24) == ',"delivery":"interrupt"}' then
  interrupt(id)
else
  enqueue(id)
end
find_online()
emit_saved('prompt_approved', caller, string.sub(caller_record, 1, -2) .. online, ',"position":' .. position)
save()
if withdrawn then
  answer({'ok', saved, 'prompt', host_session_id, unpack(withdrawn)})
end
answer({'ok', saved, 'prompt', host_session_id})
