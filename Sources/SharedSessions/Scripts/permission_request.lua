#!lua
-- include: core session participant approval
-- The agent asks whether it may do something, in the middle of a turn.
-- KEYS  frame (KEYS[3] the author of the prompt whose turn runs), 5 that prompt's approval hash, 6 permissions hash,
--       7 approvals zset, 8 new approval hash
-- ARGV  frame, 7 dispatch id, 8 approval id, 9 what is asked in a few words, 10 tool call (JSON), 11 options (JSON),
--       12 requests that may wait at a time
-- Reply ok, approval
-- Fails DISPATCH_NOT_FOUND, IDEMPOTENCY_KEY_REUSED, SESSION_INACTIVE, DISPATCH_CONFLICT, APPROVAL_LIMIT
if not load_session() then return refuse('DISPATCH_NOT_FOUND') end
local first = repeated()
if first then return first end
if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
local turn = call('HMGET', KEYS[5], 'dispatchId', 'dispatchState', 'cancelledAt', 'participantId')
if turn[1] ~= ARGV[7] then return refuse('DISPATCH_NOT_FOUND') end
-- A turn that was told to stop asks no more: whatever waited for an answer has been withdrawn.
if turn[2] ~= 'started' or present(turn[3]) then return refuse('DISPATCH_CONFLICT', 'permission') end
if call('HLEN', KEYS[6]) >= tonumber(ARGV[12]) then return refuse('APPROVAL_LIMIT', 'permission') end
local a = {}
set(KEYS[8], a, 'id', ARGV[8], 'kind', 'permission', 'participantId', turn[4], 'prompt', ARGV[9], 'status', 'pending',
  'createdAt', dec(NOW), 'turn', ARGV[7], 'toolCall', ARGV[10], 'options', ARGV[11])
keep(KEYS[8])
call('ZADD', KEYS[7], dec(call('ZCARD', KEYS[7]) + 1), a.id)
keep(KEYS[7])
call('HSET', KEYS[6], a.id, a.turn)
keep(KEYS[6])
emit('permission_requested', a.participantId, approval_payload(a, participant_json(hash(KEYS[3]))))
save_sequence()
return answer(approval_json(a))
