-- The end of a session, in steps that are bounded: what is open in it ends a few at a time, then its streams are told.
-- While `ending` is in the hash there is more to do; whoever looks next goes on. Nothing new can begin meanwhile.

-- One step, oldest first; whether the session has ended altogether, and the ids of the agent's requests that were withdrawn.
-- args: step_count step_bytes
local function end_some()
  local left, bytes, withdrawn = tonumber(step_count), tonumber(step_bytes), {}
  local function go_on(a)
    left, bytes = left - 1, bytes - a.size
    return left > 0 and bytes > 0
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', order, '0', '+inf', 'LIMIT', 0, left)) do
    local a = load_approval(id)
    if a and a.proposed then
      expire(id, a.author, '-')
    elseif a then
      withdraw_request(id, 'session_' .. status)
      withdrawn[#withdrawn + 1] = id
    else
      call('ZREM', order, id)
    end
    if a and not go_on(a) then return false, withdrawn end
  end
  for _, id in ipairs(call('ZRANGE', queue, 0, left - 1)) do
    local a = load_approval(id)
    if a then fail_dispatch(a, '"session closed"', 'service') else call('ZREM', queue, id) end
    if a and not go_on(a) then return false, withdrawn end
  end
  call('HDEL', session, 'ending')
  emit('session_closed', '-', '{"status":"' .. status .. '"}')
  return true, withdrawn
end
