#!lua
-- include: core session participant approval
-- The host, or whoever may decide as well, approves or rejects; who comes first resolves, everybody else is told so.
-- KEYS  frame, 5 approval hash, 6 pending hash, 7 queue zset, 8 expiring zset
-- ARGV  frame, 7 approval id, 8 action, 9 reason, 10 edited prompt, 11 dispatch id, 12 dispatch time-out ms,
--       13 SHA-256 of the text the caller saw ('' not said), 14 'required' when a rejection needs a reason
-- Reply ok, approval
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, APPROVAL_NOT_FOUND,
--       APPROVAL_ALREADY_RESOLVED with how and by whom, PROMPT_CHANGED, REASON_REQUIRED
local ended = enter()
if ended then return ended end
if P.role ~= 'host' and P.canApprove ~= '1' then return refuse('HOST_REQUIRED') end
local a = hash(KEYS[5])
if not a or a.id ~= ARGV[7] then return refuse('APPROVAL_NOT_FOUND') end
if not is_pending(a) then return refuse('APPROVAL_ALREADY_RESOLVED', resolution(a)) end
if ARGV[13] ~= '' and ARGV[13] ~= a.promptHash then return refuse('PROMPT_CHANGED') end
if ARGV[14] == 'required' and ARGV[8] == 'reject' and ARGV[9] == '' then return refuse('REASON_REQUIRED') end
call('HDEL', KEYS[6], a.id)
call('ZREM', KEYS[8], a.id)
set(KEYS[5], a, 'resolvedAt', dec(NOW), 'resolvedBy', P.id, 'resolvedByName', called(P), 'status',
  ARGV[8] == 'approve' and 'approved' or 'rejected')
local position
if ARGV[9] ~= '' then set(KEYS[5], a, 'reason', ARGV[9]) end
if a.status == 'approved' then
  if ARGV[10] ~= '' then set(KEYS[5], a, 'editedPrompt', ARGV[10]) end
  position = enqueue(KEYS[5], KEYS[7], a, ARGV[11], ARGV[12])
end
emit('prompt_' .. a.status, P.id, approval_payload(a, participant_json(P), position))
save_sequence()
return answer(approval_json(a))
