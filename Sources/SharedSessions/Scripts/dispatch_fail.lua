#!lua flags=allow-oom
-- include: core session approval pending dispatch
-- The service fails a turn whose bridge was lost after it had started.
-- keys: session events approvals order queue deadlines
-- args: id dispatch_id message since
--   message: JSON; since: only if no report has come since this time in ms ('' whatever came)
-- reply: ok
-- fails: SESSION_NOT_FOUND; gone with the state when it does not run (any more), or is claimed
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
local a = load_approval(id)
local d = a and a.dispatch
if not d or d.id ~= dispatch_id then return refuse('gone', 'unknown') end
if d.state ~= 'started' then return refuse('gone', d.state) end
if since ~= '' and tonumber(call('HGET', approvals, id .. ':reported') or '0') >= tonumber(since) then
  return refuse('gone', 'claimed')
end
withdraw_requests(d.id, 'turn_failed')
fail_dispatch(a, message, 'service')
save()
return {'ok'}
