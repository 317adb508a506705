-- Dispatches: an approved prompt on its way to the agent.

-- The place in the session's queue of the prompt that was queued last, counted from 1.
local position

-- block: enqueue id
-- Puts an approved prompt at the end of the queue. Approval order is the time in microseconds, so that it can be compared over the
-- sessions of one host; within a session it never ties, even when the clock was set back since the newest event.
-- args: dispatch_timeout
local time = call('TIME')
local approved = time[1] * 1000000 + time[2]
if NOW <= last_ms + 0 then
  approved = math.max(approved, (call('ZREVRANGE', queue, 0, 0, 'WITHSCORES')[2] or 0) + 1)
end
call('ZADD', queue, dec(approved), id)
position = call('ZCARD', queue)
if position == 1 then
  keep(queue)
end
call('ZADD', deadlines, NOW + dispatch_timeout, id)
keep(deadlines)

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
  finish_approval(a)
  emit('prompt_dispatch_failed', '-', '{"approvalId":"' .. a.id .. '","dispatchId":"' .. a.dispatch.id .. '","error":'
    .. message .. '}')
end
