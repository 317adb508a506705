#!lua flags=allow-oom
-- include: core session participant approval pending dispatch
-- Does what is due in an active session, a bounded part at a time: pending prompts whose time is over expire; queued ones
-- fail that nobody has started in time, or whose host has been away for longer than the grace time.
-- keys: session events participants presence approvals order queue deadlines
-- args: host grace unavailable away step_count step_bytes
--   host: 'busy' while another turn runs, else 'free'; grace: ms ('0' none); unavailable, away: JSON, why a prompt fails
-- reply: ok, when the next is due in ms ('' none), prompts that failed as overdue, and for the host's absence, now in ms
-- fails: SESSION_NOT_FOUND, SESSION_INACTIVE
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
local v = call('HMGET', session, 'hostOnline', 'hostOfflineAt')
local gone = v[1] ~= 'online' and present(v[2]) and grace ~= '0' and tonumber(v[2])
local overdue, abandoned, expired, next_due = 0, 0, 0, nil
local left, bytes = tonumber(step_count), tonumber(step_bytes)
local function look(at) next_due = math.min(next_due or at, at) end
-- Whether there is room for one more in this step; if not, somebody looks again at once.
local function take(a)
  left, bytes = left - 1, bytes - a.size
  if left < 0 or bytes < -a.size then look(NOW) end
  return left >= 0 and bytes >= -a.size
end
local waiting = gone and host == 'free' and call('ZRANGE', queue, 0, step_count, 'WITHSCORES') or {}
for i = 1, #waiting, 2 do
  local id, a = waiting[i], load_approval(waiting[i])
  -- The grace time counts from the approval when that came later: its place in the queue, in us, below zero where it interrupts.
  local ends = math.max(gone, math.floor(math.abs(waiting[i + 1]) / 1000)) + grace
  if not a then
    call('ZREM', queue, id)
  elseif ends > NOW then
    look(ends)
  elseif take(a) then
    fail_dispatch(a, away, 'service')
    abandoned = abandoned + 1
  end
end
for _, id in ipairs(call('ZRANGEBYSCORE', deadlines, '-inf', dec(NOW), 'LIMIT', 0, step_count)) do
  local a = load_approval(id)
  if a and a.status == 'pending' then
    if take(a) then
      expire(id, a.author, a.author)
      expired = expired + 1
    end
  elseif not a or not a.dispatch or a.dispatch.state ~= 'queued' then
    call('ZREM', deadlines, id)
  elseif host == 'busy' then
    -- While another turn runs the host agent is not unavailable, only busy.
    look(NOW + 1000)
  elseif take(a) then
    fail_dispatch(a, unavailable, 'service')
    overdue = overdue + 1
  end
end
if overdue + abandoned + expired > 0 then
  save()
end
local nearest = call('ZRANGE', deadlines, 0, 0, 'WITHSCORES')[2]
if nearest and not (host == 'busy' and tonumber(nearest) <= NOW) then look(tonumber(nearest)) end
return {'ok', next_due and dec(next_due) or '', dec(overdue), dec(abandoned), dec(NOW)}
