-- Dispatches: an approved prompt on its way to the agent.

-- The place in the session's queue of the prompt that was queued last, counted from 1.
local position

-- block: enqueue id
-- Puts an approved prompt at the end of the queue. Approval order is the time in microseconds, so that it can be compared over the
-- sessions of one host; within a session it never ties.
-- args: dispatch_timeout
local newest, time = call('ZREVRANGE', queue, 0, 0, 'WITHSCORES')[2], call('TIME')
call('ZADD', queue, dec(math.max(time[1] * 1000000 + time[2], (newest or 0) + 1)), id)
call('ZADD', deadlines, NOW + dispatch_timeout, id)
keep(queue)
keep(deadlines)
position = call('ZCARD', queue)

-- block: dequeue id
-- Takes a prompt out of the queue.
call('ZREM', queue, id)
call('ZREM', deadlines, id)

-- Ends a dispatch as failed, with the approval, and tells the streams. `message` is JSON.
local function fail_dispatch(a, message, by)
  dequeue(a.id)
  a.dispatch.state, a.dispatch.more, a.status = 'failed', a.dispatch.more .. ',"endedAt":' .. now(), 'failed'
  a.more = a.more .. ',"errorMessage":' .. message
  add_note(a, 'by', by)
  move_approval(a, OVER)
  emit('prompt_dispatch_failed', '-', '{"approvalId":"' .. a.id .. '","dispatchId":"' .. a.dispatch.id .. '","error":'
    .. message .. '}')
end
