#!lua flags=allow-oom
-- include: core session participant approval
-- An approved prompt is taken out of the queue before it has started, by its author or by whoever may decide.
-- KEYS  frame, 5 approval hash, 6 queue zset
-- ARGV  frame, 7 approval id
-- Reply ok, approval, dispatch id
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, APPROVAL_NOT_FOUND, AUTHOR_REQUIRED, DISPATCH_CONFLICT
local ended = enter()
if ended then return ended end
local a = hash(KEYS[5])
if not a or a.id ~= ARGV[7] then return refuse('APPROVAL_NOT_FOUND') end
if a.participantId ~= P.id and P.role ~= 'host' and P.canApprove ~= '1' then return refuse('AUTHOR_REQUIRED') end
if a.dispatchState ~= 'queued' then return refuse('DISPATCH_CONFLICT', 'queue') end
call('ZREM', KEYS[6], a.id)
-- A bridge that was handed it already is told by the answer to its report that it must not run it.
set(KEYS[5], a, 'status', 'withdrawn', 'dispatchState', 'failed', 'failedBy', 'service', 'endedAt', dec(NOW),
  'errorMessage', 'withdrawn from the queue by ' .. called(P))
emit('prompt_withdrawn', P.id, approval_payload(a, participant_json(P)))
save_sequence()
return answer(approval_json(a), a.dispatchId)
