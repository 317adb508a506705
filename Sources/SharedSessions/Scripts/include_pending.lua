-- What waits for a decision: how it comes, is counted and goes.

-- Approvals there are.
local approvals_known

-- block: count_approvals
approvals_known = call('ZCARD', order)

-- block: drop_oldest size
-- Lets the oldest approvals that are over go, a few at a time, until a further one of `size` bytes has room. Their events stay, so
-- the record of who decided what does.
-- args: most_approvals most_approval_bytes
if approvals_known >= most_approvals + 0 or approval_bytes + size > most_approval_bytes + 0 then
  local over = call('ZCOUNT', order, '-inf', dec(LIVE * BAND - 1))
  for _ = 1, 16 do
    if over == 0 or over < most_approvals + 0 and approval_bytes + size <= most_approval_bytes + 0 then break end
    local oldest = call('ZRANGE', order, 0, 0)[1]
    approval_bytes = approval_bytes - call('HSTRLEN', approvals, oldest)
    call('HDEL', approvals, oldest, oldest .. ':notes', oldest .. ':options', oldest .. ':reported')
    call('ZREM', order, oldest)
    over, approvals_known = over - 1, approvals_known - 1
  end
end

-- block: make_room size kind
-- The same; ends the script when there is still no room.
-- args: most_approval_bytes
drop_oldest(size)
if approval_bytes + size > most_approval_bytes + 0 then
  save()
  return refuse('APPROVAL_LIMIT', kind)
end

-- block: add_approval id author kind word more tail notes band
-- Makes an approval in the state `word`, in `saved`. `tail` is the JSON from `,"prompt":` to the closing brace.
approval_count = approval_count + 1
saved = '{"id":"' .. id .. '","sharedSessionId":"' .. session_id .. '","participantId":"' .. author .. '","kind":"' .. kind
  .. '","createdAt":' .. now() .. ',"status":"' .. word .. '"' .. more .. tail
call('HSET', approvals, id, saved, id .. ':notes', ' n=' .. approval_count .. notes)
approval_bytes = approval_bytes + #saved
place(id, approval_count, band)
if approvals_known == 0 then
  keep(approvals)
  keep(order)
end

-- block: decide a to by
-- Says what was decided; `by` is the participant who did, or nil.
a.status = to
a.more = a.more .. ',"resolvedAt":' .. now() .. (by and ',"resolvedByParticipantId":"' .. by .. '"' or '')
add_note(a, 'resolved', NOW)

-- block: resolve a to by
-- Ends the wait of a pending approval.
if a.kind == 'prompt' then
  call('ZREM', deadlines, a.id)
  -- Prompts of one participant that wait: a field of the session while there are any.
  local left = (call('HGET', session, 'pending:' .. a.author) or 1) - 1
  if left > 0 then call('HSET', session, 'pending:' .. a.author, left) else call('HDEL', session, 'pending:' .. a.author) end
end
decide(a, to, by)

-- Expires a pending prompt and tells the streams.
local function expire(a, subject)
  resolve(a, 'expired', nil)
  move_approval(a, OVER)
  emit_saved('prompt_expired', subject, participant_of(a.author), '')
end

-- Withdraws a request of the agent and tells the streams. `reason` is one of turn_cancelled, turn_ended, turn_failed,
-- agent_withdrew, session_closed, session_expired.
local function withdraw_request(a, reason)
  resolve(a, 'withdrawn', nil)
  a.more = a.more .. ',"reason":"' .. reason .. '"'
  move_approval(a, OVER)
  emit('permission_withdrawn', '-', '{"approval":' .. saved .. ',"reason":"' .. reason .. '"}')
end

-- The requests of the agent that wait in a turn.
local function requests_of(turn)
  local found = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', order, dec(ASKED * BAND), '+inf')) do
    local a = load_approval(id)
    if a and note(a, 'turn') == turn then found[#found + 1] = a end
  end
  return found
end

local function withdraw_requests(turn, reason)
  local found = requests_of(turn)
  for _, a in ipairs(found) do withdraw_request(a, reason) end
  return found
end
