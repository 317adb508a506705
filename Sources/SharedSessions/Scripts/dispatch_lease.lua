#!lua
-- include: core session participant approval
-- Hands a queued dispatch out: the attempt goes up by one, and what was handed out before is stale from here on.
-- keys: session participants presence approvals queue deadlines
-- args: id dispatch_id fence dispatch_timeout
--   fence: of whoever hands it out; one that is older than the session knows of, or than has handed out anything, is too late
-- reply: ok, dispatch payload, 'true' when it was told to stop before it was begun, attempt
-- fails: SESSION_NOT_FOUND; fenced; gone with the dispatch's state and 'true' when its turn was told
--   to stop, when it is not queued (any more), or with 'behind' when something interrupts
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
local a = load_approval(id)
local d = a and a.dispatch
if not d or d.id ~= dispatch_id then return refuse('gone', 'unknown') end
if d.state ~= 'queued' or status ~= 'active' or not call('ZSCORE', queue, id) then
  return refuse('gone', d.state, tostring(note(a, 'cancelled') ~= nil))
end
-- What interrupts goes first, also before what holds the slot already but was not begun.
local first = call('ZRANGE', queue, 0, 0, 'WITHSCORES')
if first[1] ~= id and first[2] + 0 < 0 then return refuse('gone', 'behind') end
local v = call('HMGET', session, 'hostFence', 'leaseFence')
local newest = math.max(tonumber(v[1] or '0'), tonumber(v[2] or '0'))
if tonumber(fence) < newest then return refuse('fenced') end
d.attempt = d.attempt + 1
-- Its time to be started counts from when the bridge could first have started it.
if d.attempt == 1 then call('ZADD', deadlines, dec(NOW + tonumber(dispatch_timeout)), id) end
save_approval(a)
call('HSET', session, 'leaseFence', fence, 'leased', id)
save()
return {'ok', '{"dispatchId":"' .. d.id .. '","approvalId":"' .. id .. '","sharedSessionId":"' .. session_id .. '",'
  .. work_of(a) .. ',"participant":' .. participant_of(a.author) .. ',"attempt":' .. d.attempt .. '}',
  tostring(note(a, 'cancelled') ~= nil), dec(d.attempt)}
