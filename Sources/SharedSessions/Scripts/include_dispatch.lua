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

-- The requests of the agent that were withdrawn with the turn that was interrupted.
local withdrawn

-- block: interrupt id
-- Puts a prompt that the caller has approved before everything that waits, in other sessions of the host, too, and stops the turn that
-- runs in this one. What was approved last in this way is first. What was handed out but not begun is taken back: its attempt goes
-- up, so that nobody can begin it under the old one, and whoever holds the slot for it lets it go.
-- args: dispatch_timeout
withdrawn = {}
local leased = call('HGET', session, 'leased')
local turn = leased and call('HGET', approvals, leased)
if turn then
  local _, to, dispatch, state, attempt = string.find(turn, ',"dispatch":{"id":"([^"]+)","state":"(%l+)","attempt":(%d+)')
  local notes = call('HGET', approvals, leased .. ':notes')
  if state == 'queued' and attempt ~= '0' then
    local taken = string.sub(turn, 1, to - #attempt) .. attempt + 1 .. string.sub(turn, to + 1)
    call('HSET', approvals, leased, taken)
    approval_bytes = approval_bytes + #taken - #turn
  elseif state == 'started' and string.sub(turn, 166, 171) == 'prompt' and not string.find(notes, ' cancelled=', 1, true) then
    call('HSET', approvals, leased .. ':notes', notes .. ' cancelled=' .. NOW .. ' stopped=' .. id .. '@' .. caller)
    local mine, kind = saved, record_kind
    for _, asked in ipairs(call('ZRANGEBYSCORE', order, ASKED_FROM, '+inf')) do
      if string.find(call('HGET', approvals, asked .. ':notes') or '', ' turn=' .. dispatch, 1, true) then
        read_record(asked)
        settle(asked, 'withdrawn', THREE_BANDS, ',"reason":"turn_cancelled"')
        emit(record_kind .. '_withdrawn', '-', '{"approval":' .. saved .. ',"reason":"turn_cancelled"}')
        withdrawn[#withdrawn + 1] = asked
      end
    end
    saved, record_kind = mine, kind
  end
end
local first, clock = call('ZRANGE', queue, 0, 0, 'WITHSCORES')[2], call('TIME')
call('ZADD', queue, dec(math.min(-clock[1] * 1000000 - clock[2], (first or 0) - 1)), id)
position = 1
keep(queue)
call('ZADD', deadlines, NOW + dispatch_timeout, id)
keep(deadlines)

-- Who has interrupted a turn, as members of its end.
local interrupter

-- block: find_interrupter a
interrupter = ''
if string.find(a.notes, ' stopped=', 1, true) then
  local approval, participant = string.match(a.notes, ' stopped=(%S+)@(%S+)')
  interrupter = ',"interruptedByApprovalId":"' .. approval .. '","interruptedByParticipantId":"' .. participant .. '"'
end

-- block: dequeue id
-- Takes a prompt out of the queue.
call('ZREM', queue, id)
call('ZREM', deadlines, id)

-- Ends a dispatch as failed, with the approval, and tells the streams. `message` is JSON.
local function fail_dispatch(a, message, by)
  dequeue(a.id)
  find_interrupter(a)
  a.dispatch.state, a.dispatch.more, a.status = 'failed', a.dispatch.more .. ',"endedAt":' .. now() .. interrupter, 'failed'
  a.more = a.more .. ',"errorMessage":' .. message
  add_note(a, 'by', by)
  finish_approval(a)
  emit('prompt_dispatch_failed', '-', '{"approvalId":"' .. a.id .. '","dispatchId":"' .. a.dispatch.id .. '","error":'
    .. message .. interrupter .. '}')
end
