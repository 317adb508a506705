-- What waits for a decision: how it comes, is counted and goes.

-- Lets the oldest approvals that are over go, a few at a time, until a further one of `size` bytes has room; false when
-- it still has none. Their events stay, so the record of who decided what does.
-- args: most_approvals most_approval_bytes
local function make_room(size)
  S.approval_bytes = S.approval_bytes or tonumber(call('HGET', session, 'approvalBytes'))
  local over = call('ZCOUNT', order, '-inf', dec(LIVE * BAND - 1))
  for _ = 1, 16 do
    if over < tonumber(most_approvals) and S.approval_bytes + size <= tonumber(most_approval_bytes) then return true end
    if over == 0 then break end
    local id = call('ZRANGE', order, 0, 0)[1]
    S.approval_bytes = S.approval_bytes - call('HSTRLEN', approvals, id)
    call('HDEL', approvals, id, id .. ':notes', id .. ':options', id .. ':reported')
    call('ZREM', order, id)
    over = over - 1
  end
  return S.approval_bytes + size <= tonumber(most_approval_bytes)
end

-- A new approval, not yet saved. `tail` is the JSON from `,"prompt":` to the closing brace.
local function new_approval(id, author, kind, tail, notes)
  local number = tonumber(call('HGET', session, 'approvalNumber')) + 1
  call('HSET', session, 'approvalNumber', dec(number))
  return {id = id, author = author, kind = kind, status = 'pending', more = '', tail = tail, size = 0, number = number,
    notes = ' n=' .. dec(number) .. notes, head = '{"id":"' .. id .. '","sharedSessionId":"' .. S.id
    .. '","participantId":"' .. author .. '","kind":"' .. kind .. '","createdAt":' .. now()}
end

-- Prompts of one participant that wait for a decision: a field of the session while there are any.
local function pending_of(author) return tonumber(call('HGET', session, 'pending:' .. author) or '0') end

local function set_pending(author, number)
  if number > 0 then
    call('HSET', session, 'pending:' .. author, dec(number))
  else
    call('HDEL', session, 'pending:' .. author)
  end
end

-- Says what was decided; `by` is the participant who did, or nil.
local function decide(a, status, by)
  a.status = status
  a.more = a.more .. ',"resolvedAt":' .. now() .. (by and ',"resolvedByParticipantId":"' .. by .. '"' or '')
  add_note(a, 'resolved', dec(NOW))
end

-- Ends the wait of a pending approval.
local function resolve(a, status, by)
  call('ZREM', deadlines, a.id)
  if a.kind == 'prompt' then set_pending(a.author, pending_of(a.author) - 1) end
  decide(a, status, by)
end

-- Expires a pending prompt and tells the streams.
local function expire(a, subject)
  resolve(a, 'expired')
  save_approval(a, OVER)
  emit('prompt_expired', subject, approval_payload(a, participant_of(a.author)))
end

-- Withdraws a request of the agent and tells the streams. `reason` is one of turn_cancelled, turn_ended, turn_failed,
-- agent_withdrew, session_closed, session_expired.
local function withdraw_request(a, reason)
  resolve(a, 'withdrawn')
  a.more = a.more .. ',"reason":"' .. reason .. '"'
  save_approval(a, OVER)
  emit('permission_withdrawn', '-', '{"approval":' .. approval_json(a) .. ',"reason":"' .. reason .. '"}')
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
