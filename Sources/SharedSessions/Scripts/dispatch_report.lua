#!lua flags=allow-oom
-- include: core session approval pending dispatch
-- What a bridge says of a dispatch it was handed. Also recorded after the session has ended: a turn that already runs is
-- recorded to its end.
-- keys: session events approvals order queue deadlines
-- args: id dispatch_id state attempt error stop_reason
--   error, stop_reason: JSON
-- reply: ok, dispatch, 'true' when the dispatch is over
-- fails: SESSION_NOT_FOUND, DISPATCH_NOT_FOUND, DISPATCH_CONFLICT
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
local a = load_approval(id)
local d = a and a.dispatch
if not d or d.id ~= dispatch_id then return refuse('DISPATCH_NOT_FOUND') end
local over = d.state == 'completed' or d.state == 'failed'
if dec(d.attempt) ~= attempt or d.attempt == 0 then return refuse('DISPATCH_CONFLICT') end
if d.state == state then
  -- The same report twice; but a failure the service decided is not the bridge's own.
  if over and state == 'failed' and note(a, 'by') ~= 'bridge' then return refuse('DISPATCH_CONFLICT') end
  -- A sign of life, also when it says nothing new: a bridge that attached again claims its running turn this way.
  if not over then call('HSET', approvals, id .. ':reported', dec(NOW)) end
  return {'ok', dispatch_json(a), tostring(over)}
end
if over or (state == 'completed' and d.state ~= 'started')
  or (state == 'started' and (d.state ~= 'queued' or status ~= 'active')) then
  return refuse('DISPATCH_CONFLICT')
end
local ids = '{"approvalId":"' .. id .. '","dispatchId":"' .. d.id .. '",'
if state == 'started' then
  d.state, d.more = 'started', ',"startedAt":' .. now()
  dequeue(id)
  call('HSET', approvals, id .. ':reported', dec(NOW))
  save_approval(a)
  emit('prompt_dispatch_started', '-', ids .. '"attempt":' .. attempt .. '}')
elseif state == 'completed' then
  local cancelled = note(a, 'cancelled') or stop_reason == '"cancelled"'
  withdraw_requests(d.id, cancelled and 'turn_cancelled' or 'turn_ended')
  find_interrupter(a)
  d.state, d.more = 'completed', d.more .. ',"endedAt":' .. now() .. ',"stopReason":' .. stop_reason .. interrupter
  finish_approval(a)
  emit('prompt_dispatch_completed', '-', ids .. '"stopReason":' .. stop_reason .. interrupter .. '}')
else
  withdraw_requests(d.id, 'turn_failed')
  fail_dispatch(a, error, 'bridge')
end
save()
return {'ok', dispatch_json(a), tostring(state ~= 'started')}
