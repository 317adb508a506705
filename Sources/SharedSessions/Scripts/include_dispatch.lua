-- Dispatches: an approved prompt on its way to the agent.

-- Puts an approved prompt at the end of the queue. Approval order is the time in microseconds, so that it can be
-- compared over the sessions of one host; within a session it never ties. Returns its place, counted from 1.
-- args: dispatch_timeout
local function enqueue(a, dispatch_id)
  local last = call('ZREVRANGE', queue, 0, 0, 'WITHSCORES')[2]
  local at = NOW_US
  if last and tonumber(last) >= at then at = tonumber(last) + 1 end
  a.dispatch = {id = dispatch_id, state = 'queued', attempt = 0, more = ''}
  call('ZADD', queue, dec(at), a.id)
  call('ZADD', deadlines, dec(NOW + tonumber(dispatch_timeout)), a.id)
  keep(queue)
  keep(deadlines)
  return call('ZCARD', queue)
end

-- Takes a prompt out of the queue.
local function dequeue(a)
  call('ZREM', queue, a.id)
  call('ZREM', deadlines, a.id)
end

-- Ends a dispatch as failed, with the approval, and tells the streams. `message` is JSON.
local function fail_dispatch(a, message, by)
  dequeue(a)
  a.dispatch.state, a.dispatch.more, a.status = 'failed', a.dispatch.more .. ',"endedAt":' .. now(), 'failed'
  a.more = a.more .. ',"errorMessage":' .. message
  add_note(a, 'by', by)
  save_approval(a, OVER)
  emit('prompt_dispatch_failed', '-', '{"approvalId":"' .. a.id .. '","dispatchId":"' .. a.dispatch.id .. '","error":'
    .. message .. '}')
end
