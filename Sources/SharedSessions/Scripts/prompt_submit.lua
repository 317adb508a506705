#!lua
-- include: core session answer participant caller role_matrix message approval pending dispatch
-- A prompt: pending where the mode asks for approval, else approved by its author and queued in the same step.
-- keys: session events participants credentials presence messages approvals order queue deadlines answers answers_order
-- args: id prompt prompt_hash message_id dispatch_id most_waiting most_own
--   prompt: JSON; prompt_hash: SHA-256 of the text
--   most_waiting, most_own: approvals that may wait, for a decision or their dispatch, and pending ones of one participant
-- reply: ok, status, approval, host session id, in how many ms its time is over ('' never)
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, PROMPT_NOT_ALLOWED, APPROVAL_LIMIT, MESSAGE_LIMIT
enter()
find_prompt_right()
if not right then return refuse('PROMPT_NOT_ALLOWED') end
count_approvals()
-- Only when there are that many at all it matters how many of them wait.
local waiting = approvals_known
if waiting >= most_waiting + 0 then waiting = call('ZCOUNT', order, 0, dec(ASKED * BAND - 1)) + call('ZCARD', queue) end
if waiting >= most_waiting + 0 then return refuse('APPROVAL_LIMIT') end
local own, word, more, band, due = 0, 'pending', '', PENDING, ''
if right == 'approval' then
  own = (call('HGET', session, 'pending:' .. caller) or 0) + 1
  if own > most_own + 0 then return refuse('APPROVAL_LIMIT') end
  make_room_for_message(#prompt)
end
make_room(#prompt, '')
if right == 'approval' then
  call('HSET', session, 'pending:' .. caller, own)
  if approval_timeout ~= '-' then
    due = approval_timeout * 1000
    more = ',"expiresAt":' .. rfc3339(NOW + due)
    call('ZADD', deadlines, NOW + due, id)
    keep(deadlines)
  end
else
  enqueue(id)
  word, band, due = 'approved', LIVE, dispatch_timeout
  more = ',"resolvedAt":' .. now() .. ',"resolvedByParticipantId":"' .. caller .. '","dispatch":{"id":"' .. dispatch_id
    .. '","state":"queued","attempt":0}'
  prompt_hash = prompt_hash .. ' resolved=' .. NOW
end
add_approval(id, caller, 'prompt', word, more, ',"prompt":' .. prompt .. '}', ' hash=' .. prompt_hash, band)
begin_event()
if right == 'approval' then
  append_message(message_id, 'prompt', prompt, id)
end
find_online()
write_event(right == 'approval' and 'prompt_pending_approval' or 'prompt_approved', caller,
  '{"approval":' .. saved .. ',"participant":' .. string.sub(caller_record, 1, -2) .. online
  .. (position and ',"position":' .. position or '') .. '}', '')
save()
answer({'ok', word, saved, host_session_id, tostring(due)})
