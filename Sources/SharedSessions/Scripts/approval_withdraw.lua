#!lua
-- include: core session participant approval
-- The author takes a pending prompt back; a permission request is the agent's, so nobody here can.
-- KEYS  frame, 5 approval hash, 6 pending hash, 7 expiring zset
-- ARGV  frame, 7 approval id
-- Reply ok, approval
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, APPROVAL_NOT_FOUND, AUTHOR_REQUIRED,
--       APPROVAL_ALREADY_RESOLVED with how and by whom
local ended = enter()
if ended then return ended end
local a = hash(KEYS[5])
if not a or a.id ~= ARGV[7] then return refuse('APPROVAL_NOT_FOUND') end
if a.kind == 'permission' then return refuse('AUTHOR_REQUIRED', 'permission') end
if a.participantId ~= P.id then return refuse('AUTHOR_REQUIRED') end
if not is_pending(a) then return refuse('APPROVAL_ALREADY_RESOLVED', resolution(a)) end
call('HDEL', KEYS[6], a.id)
call('ZREM', KEYS[7], a.id)
set(KEYS[5], a, 'status', 'withdrawn', 'resolvedAt', dec(NOW), 'resolvedBy', P.id, 'resolvedByName', called(P))
emit('prompt_withdrawn', P.id, approval_payload(a, participant_json(P)))
save_sequence()
return answer(approval_json(a))
