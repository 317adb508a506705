-- Room for approvals: how many wait, how many bytes all of them may take, and what goes when there is no more.

-- block: count_waiting
-- Ends the script when as many prompts wait, for a decision or for their turn, as a session may have. Only where there ever were
-- that many it matters how many still do.
-- args: most_waiting
if approval_count + 0 >= most_waiting + 0
  and call('ZCOUNT', order, PENDING_FROM, '(' .. ASKED_FROM) + call('ZCARD', queue) >= most_waiting + 0 then
  return refuse('APPROVAL_LIMIT')
end

-- block: count_own
-- Ends the script when as many prompts of the caller wait for a decision as one participant may have.
-- args: most_own
if approval_count + 0 >= most_own + 0 then
  local own = 0
  for _, other in ipairs(call('ZRANGEBYSCORE', order, PENDING_FROM, '(' .. ASKED_FROM)) do
    if string.find(call('HGET', approvals, other .. ':notes') or '', caller, 1, true) then own = own + 1 end
  end
  if own >= most_own + 0 then return refuse('APPROVAL_LIMIT') end
end

-- block: drop_oldest size
-- Lets the oldest approvals that are over go, a few at a time, until a further one of `size` bytes has room. Their events stay, so
-- the record of who decided what does.
-- args: most_approvals most_approval_bytes
if approval_count + 0 >= most_approvals + 0 or approval_bytes + size > most_approval_bytes + 0 then
  local over = call('ZCOUNT', order, '-inf', '(' .. LIVE_FROM)
  for _ = 1, 16 do
    if over == 0 or over < most_approvals + 0 and approval_bytes + size <= most_approval_bytes + 0 then break end
    local oldest = call('ZRANGE', order, 0, 0)[1]
    approval_bytes = approval_bytes - call('HSTRLEN', approvals, oldest)
    call('HDEL', approvals, oldest, oldest .. ':notes', oldest .. ':options', oldest .. ':reported', oldest .. ':votes')
    call('ZREM', order, oldest)
    over = over - 1
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
