#!lua
-- include: core session participant approval option
-- The host, or whoever may decide as well, approves or rejects a prompt or answers the agent's permission request; who
-- comes first resolves, everybody else is told so.
-- KEYS  frame, 5 approval hash, 6 pending hash, 7 queue zset, 8 expiring zset, 9 permissions hash
-- ARGV  frame, 7 approval id, 8 action ('' as the option says), 9 reason, 10 edited prompt, 11 dispatch id,
--       12 dispatch time-out ms, 13 SHA-256 of the text the caller saw ('' not said), 14 'required' when a rejection needs a reason,
--       15 id of the option chosen ('' the narrowest that fits the action)
-- Reply ok, approval, its kind
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, APPROVAL_NOT_FOUND,
--       INVALID_FIELD for what belongs to the other kind, APPROVAL_ALREADY_RESOLVED with how and by whom,
--       PROMPT_CHANGED, INVALID_OPTION, OPTION_REQUIRED, REASON_REQUIRED
local ended = enter()
if ended then return ended end
if P.role ~= 'host' and P.canApprove ~= '1' then return refuse('HOST_REQUIRED') end
local a = hash(KEYS[5])
if not a or a.id ~= ARGV[7] then return refuse('APPROVAL_NOT_FOUND') end
local asks = a.kind == 'permission'
if asks and ARGV[10] .. ARGV[13] ~= '' then
  return refuse('INVALID_FIELD', "'editedPrompt' and 'promptHash' are for prompts, and this is a permission request")
end
if not asks and ARGV[15] ~= '' then
  return refuse('INVALID_FIELD', "'optionId' is for permission requests, and this is a prompt")
end
if not is_pending(a) then return refuse('APPROVAL_ALREADY_RESOLVED', resolution(a)) end
if ARGV[13] ~= '' and ARGV[13] ~= a.promptHash then return refuse('PROMPT_CHANGED') end
local option, refusal
if asks then
  option, refusal = choose(cjson.decode(a.options), ARGV[8], ARGV[15])
  if refusal then return refusal end
end
local action = option and side(option) or ARGV[8]
if ARGV[14] == 'required' and action == 'reject' and ARGV[9] == '' then return refuse('REASON_REQUIRED') end
call('HDEL', KEYS[asks and 9 or 6], a.id)
call('ZREM', KEYS[8], a.id)
set(KEYS[5], a, 'resolvedAt', dec(NOW), 'resolvedBy', P.id, 'resolvedByName', called(P), 'status',
  action == 'approve' and 'approved' or 'rejected')
if option then set(KEYS[5], a, 'optionId', option.optionId) end
local position
if ARGV[9] ~= '' then set(KEYS[5], a, 'reason', ARGV[9]) end
if a.status == 'approved' and not asks then
  if ARGV[10] ~= '' then set(KEYS[5], a, 'editedPrompt', ARGV[10]) end
  position = enqueue(KEYS[5], KEYS[7], a, ARGV[11], ARGV[12])
end
emit(asks and 'permission_resolved' or 'prompt_' .. a.status, P.id, approval_payload(a, participant_json(P), position))
save_sequence()
return answer(approval_json(a), asks and 'permission' or 'prompt')
