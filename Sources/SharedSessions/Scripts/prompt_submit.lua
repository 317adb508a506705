#!lua
-- include: core session participant permission message approval
-- A prompt: pending where the mode asks for approval, else approved by its author and queued in the same step.
-- KEYS  frame, 5 messages stream, 6 approvals zset, 7 pending hash, 8 queue zset, 9 new approval hash,
--       10 expiring zset
-- ARGV  frame, 7 approval id, 8 prompt, 9 message id, 10 dispatch id, 11 waiting approvals at most,
--       12 pending of one participant at most, 13 dispatch time-out ms, 14 messages at most, 15 SHA-256 of the prompt
-- Reply ok, status, approval
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, PROMPT_NOT_ALLOWED, APPROVAL_LIMIT, MESSAGE_LIMIT
local ended = enter()
if ended then return ended end
local right = prompt_right(S.mode, P.role)
if not right then return refuse('PROMPT_NOT_ALLOWED') end
if call('HLEN', KEYS[7]) + call('ZCARD', KEYS[8]) >= tonumber(ARGV[11]) then return refuse('APPROVAL_LIMIT') end
if right == 'approval' then
  local own = 0
  for _, author in ipairs(call('HVALS', KEYS[7])) do
    if author == P.id then own = own + 1 end
  end
  if own >= tonumber(ARGV[12]) then return refuse('APPROVAL_LIMIT') end
  if call('XLEN', KEYS[5]) >= tonumber(ARGV[14]) then return refuse('MESSAGE_LIMIT') end
end

local a = {}
set(KEYS[9], a, 'id', ARGV[7], 'participantId', P.id, 'prompt', ARGV[8], 'status', 'pending', 'createdAt', dec(NOW),
  'promptHash', ARGV[15])
keep(KEYS[9])
call('ZADD', KEYS[6], dec(call('ZCARD', KEYS[6]) + 1), a.id)
keep(KEYS[6])
if right == 'approval' then
  call('HSET', KEYS[7], a.id, P.id)
  keep(KEYS[7])
  if present(S.approvalTimeout) then
    set(KEYS[9], a, 'expiresAt', dec(NOW + tonumber(S.approvalTimeout) * 1000))
    call('ZADD', KEYS[10], a.expiresAt, a.id)
    keep(KEYS[10])
  end
  append_message(KEYS[5], ARGV[9], 'prompt', ARGV[8], a.id)
  emit('prompt_pending_approval', P.id, approval_payload(a, participant_json(P)))
else
  set(KEYS[9], a, 'status', 'approved', 'resolvedAt', dec(NOW), 'resolvedBy', P.id,
    'resolvedByName', called(P))
  local position = enqueue(KEYS[9], KEYS[8], a, ARGV[10], ARGV[13])
  emit('prompt_approved', P.id, approval_payload(a, participant_json(P), position))
end
save_sequence()
return answer(a.status, approval_json(a))
