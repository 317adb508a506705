#!lua flags=allow-oom
-- include: core session participant approval
-- The service gives a dispatch up: never started in time, its host away for longer than the grace time, or its bridge
-- lost after it had started.
-- KEYS  frame, 5 approval hash, 6 queue zset, 7 permissions hash, then the hashes of the turn's waiting requests
-- ARGV  frame, 7 dispatch id ('' any), 8 'overdue' (queued and past its time) or 'lost' (started), 9 message,
--       10 'lost' only if no report has come since this time in ms ('' whatever came),
--       11 waiting requests passed, 12 'overdue': grace ms ('0' none), 13 the message when it is the grace time that is over
-- Reply ok, dispatch id, 'lost', 'overdue' or 'grace'
-- Fails SESSION_NOT_FOUND, gone with the state when it is not (or no longer) so, not_due with the time in ms, retry when
--       the requests passed are not all there are
if not load_session() then return refuse('SESSION_NOT_FOUND') end

-- When the grace time of a waiting prompt ends, which counts from its approval when that came later; nil while the host
-- is there, and for one that has never been.
local function grace_end(a, grace)
  if grace == 0 then return nil end
  local v = call('HMGET', KEYS[1], 'hostOnline', 'hostOfflineAt')
  if v[1] == 'online' or not present(v[2]) then return nil end
  return math.max(tonumber(v[2]), tonumber(a.resolvedAt)) + grace
end

local a = hash(KEYS[5])
if not a or (ARGV[7] ~= '' and a.dispatchId ~= ARGV[7]) then return refuse('gone', 'unknown') end
if ARGV[8] == 'lost' and a.dispatchState ~= 'started' then return refuse('gone', a.dispatchState) end
if ARGV[8] == 'lost' and ARGV[10] ~= '' and tonumber(a.reportedAt or '0') >= tonumber(ARGV[10]) then
  return refuse('gone', 'claimed')
end
if ARGV[8] == 'overdue' and a.dispatchState ~= 'queued' then return refuse('gone', a.dispatchState) end
local cause, message = ARGV[8], ARGV[9]
if cause == 'overdue' then
  local due = tonumber(a.startBy)
  local ends = grace_end(a, tonumber(ARGV[12]))
  if ends and ends < due then due, cause, message = ends, 'grace', ARGV[13] end
  if due > NOW then return refuse('not_due', dec(due)) end
end
local waiting = waiting_permissions(7, 8, tonumber(ARGV[11]), a.dispatchId)
if not waiting then return refuse('retry') end
withdraw_permissions(7, waiting, 'turn_failed')
set(KEYS[5], a, 'failedBy', 'service')
fail_dispatch(KEYS[5], KEYS[6], a, message)
save_sequence()
return {'ok', a.dispatchId, cause}
