#!lua
-- include: core session answer participant caller role_matrix message approval pending dispatch
-- A prompt: pending where the mode asks for approval, else approved by its author and queued in the same step.
-- keys: session events participants credentials presence messages approvals order queue deadlines answers answers_order
-- args: id prompt prompt_hash message_id dispatch_id most_waiting most_own
--   prompt: JSON; prompt_hash: SHA-256 of the text
--   most_waiting, most_own: approvals that may wait, for a decision or their dispatch, and pending ones of one participant
-- reply: ok, status, approval, host session id, in how many ms its time is over ('' never)
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, PROMPT_NOT_ALLOWED, APPROVAL_LIMIT, MESSAGE_LIMIT
local ended = enter()
if ended then return ended end
local right = prompt_right(S.mode, P.role)
if not right then return refuse('PROMPT_NOT_ALLOWED') end
local waiting = call('ZCOUNT', order, '0', dec(ASKED * BAND - 1)) + call('ZCARD', queue)
if waiting >= tonumber(most_waiting) then return refuse('APPROVAL_LIMIT') end
local own = right == 'approval' and pending_of(P.id) or 0
if right == 'approval' then
  if own >= tonumber(most_own) then return refuse('APPROVAL_LIMIT') end
  if not has_room_for_message(#prompt) then return refuse('MESSAGE_LIMIT') end
end
if not make_room(#prompt) then return refuse('APPROVAL_LIMIT') end

local a = new_approval(id, P.id, 'prompt', ',"prompt":' .. prompt .. '}', ' hash=' .. prompt_hash)
local v, due = call('HMGET', session, 'approvalTimeout', 'hostSessionId'), ''
if right == 'approval' then
  if present(v[1]) then
    due = dec(v[1] * 1000)
    a.more = ',"expiresAt":' .. rfc3339(NOW + due)
    call('ZADD', deadlines, dec(NOW + due), id)
    keep(deadlines)
  end
  set_pending(P.id, own + 1)
  save_approval(a, PENDING)
  append_message(message_id, 'prompt', prompt, id)
  emit('prompt_pending_approval', P.id, approval_payload(a, caller_json()))
else
  decide(a, 'approved', P.id)
  local position = enqueue(a, dispatch_id)
  due = dispatch_timeout
  save_approval(a, LIVE)
  emit('prompt_approved', P.id, approval_payload(a, caller_json(), position))
end
keep(approvals)
keep(order)
save_with_approvals('messages', dec(S.messages), 'messageBytes', dec(S.message_bytes))
return answer(a.status, approval_json(a), v[2], due)
