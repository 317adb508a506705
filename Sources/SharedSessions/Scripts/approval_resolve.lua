#!lua
-- include: core session participant approval
-- The host approves or rejects; whoever comes first resolves, everybody else is told so.
-- KEYS  frame, 5 approval hash, 6 pending hash, 7 queue zset
-- ARGV  frame, 7 approval id, 8 action, 9 reason, 10 edited prompt, 11 dispatch id, 12 dispatch time-out ms
-- Reply ok, approval
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, APPROVAL_NOT_FOUND,
--       APPROVAL_ALREADY_RESOLVED with the status
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
local a = hash(KEYS[5])
if not a or a.id ~= ARGV[7] then return refuse('APPROVAL_NOT_FOUND') end
if a.status ~= 'pending' then return refuse('APPROVAL_ALREADY_RESOLVED', a.status) end
call('HDEL', KEYS[6], a.id)
set(KEYS[5], a, 'resolvedAt', dec(NOW), 'resolvedBy', P.id, 'status', ARGV[8] == 'approve' and 'approved' or 'rejected')
if ARGV[9] ~= '' then set(KEYS[5], a, 'reason', ARGV[9]) end
if a.status == 'approved' then
  if ARGV[10] ~= '' then set(KEYS[5], a, 'editedPrompt', ARGV[10]) end
  enqueue(KEYS[5], KEYS[7], a, ARGV[11], ARGV[12])
end
emit('prompt_' .. a.status, P.id, approval_payload(a, participant_json(P)))
save_sequence()
return answer(approval_json(a))
