#!lua flags=allow-oom
-- include: core session answer participant caller approval pending dispatch vote
-- The caller leaves, or is removed by the host.
-- keys: session events participants credentials users presence approvals order queue deadlines answers answers_order
-- args: id dispatch_seed
--   id: of the participant to remove ('' the caller leaves)
-- reply: ok, participant
-- fails: host_leaves when the caller is the host (the node then closes the session); SESSION_NOT_FOUND ...
--   PARTICIPANT_INACTIVE, HOST_REQUIRED, PARTICIPANT_NOT_FOUND, INVALID_FIELD for removing the host
enter()
local who, record, by = caller, caller_record, ''
if id ~= '' then
  if caller_role ~= 'host' then return refuse('HOST_REQUIRED') end
  local refusal
  record, refusal = find_present(id)
  if refusal then return refusal end
  if role_of(record) == 'host' then return refuse('INVALID_FIELD', 'remove_host') end
  who, by = id, ',"removedByParticipantId":"' .. caller .. '"'
elseif caller_role == 'host' then
  return refuse('host_leaves')
end
record = with_left(record, now())
call('HSET', participants, who, record)
local user = user_of(record)
if call('HGET', users, user) == who then call('HDEL', users, user) end
emit('participant_left', who, '{"participant":' .. participant_json(record, false) .. by .. '}')
find_needed()
count_again(who)
save()
answer({'ok', participant_json(record, false)})
