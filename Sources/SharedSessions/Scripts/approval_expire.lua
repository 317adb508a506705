#!lua flags=allow-oom
-- include: core session participant approval
-- A pending approval whose time is over.
-- KEYS  frame (KEYS[3] the author), 5 approval hash, 6 pending hash, 7 expiring zset
-- ARGV  frame, 7 approval id
-- Reply ok
-- Fails SESSION_NOT_FOUND, SESSION_INACTIVE; gone when it is resolved, not_due with the time in ms
if not load_session() then return refuse('SESSION_NOT_FOUND') end
if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
local a = hash(KEYS[5])
if not a or a.id ~= ARGV[7] or a.status ~= 'pending' then
  call('ZREM', KEYS[7], ARGV[7])
  return refuse('gone')
end
if is_pending(a) then return refuse('not_due', a.expiresAt or '') end
call('HDEL', KEYS[6], a.id)
call('ZREM', KEYS[7], a.id)
set(KEYS[5], a, 'status', 'expired', 'resolvedAt', dec(NOW))
emit('prompt_expired', a.participantId, approval_payload(a, participant_json(hash(KEYS[3]))))
save_sequence()
return {'ok'}
