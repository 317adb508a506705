#!lua flags=allow-oom
-- include: core session participant
-- The caller leaves, or is removed by the host.
-- KEYS  frame, 5 users hash, 6 hash of the participant to remove
-- ARGV  frame, 7 id of the participant to remove ('' the caller leaves)
-- Reply ok, participant
-- Fails host_leaves when the caller is the host (the node then closes the session); SESSION_NOT_FOUND ...
--       PARTICIPANT_INACTIVE, HOST_REQUIRED, PARTICIPANT_NOT_FOUND, INVALID_FIELD for removing the host
local ended = enter()
if ended then return ended end
local key, p, by = KEYS[3], P, ''
if ARGV[7] ~= '' then
  if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
  key, p = KEYS[6], hash(KEYS[6])
  if not p or p.id ~= ARGV[7] then return refuse('PARTICIPANT_NOT_FOUND') end
  if present(p.leftAt) then return refuse('PARTICIPANT_INACTIVE') end
  if p.role == 'host' then return refuse('INVALID_FIELD', 'the host cannot be removed; close the session instead') end
  by = ',"removedByParticipantId":"' .. P.id .. '"'
elseif P.role == 'host' then
  return refuse('host_leaves')
end
p.leftAt = dec(NOW)
call('HSET', key, 'leftAt', p.leftAt)
if call('HGET', KEYS[5], p.userId) == p.id then call('HDEL', KEYS[5], p.userId) end
emit('participant_left', p.id, '{"participant":' .. participant_json(p) .. by .. '}')
save_sequence()
return answer(participant_json(p))
