#!lua flags=allow-oom
-- include: core session participant approval
-- What a bridge says of a dispatch it was handed. Also recorded after the session has ended: a turn that already runs is
-- recorded to its end.
-- KEYS  frame, 5 approval hash, 6 queue zset, 7 permissions hash, then the hashes of the turn's waiting requests
-- ARGV  frame, 7 dispatch id, 8 state, 9 attempt, 10 error, 11 stop reason,
--       12 waiting requests passed
-- Reply ok, dispatch, 'true' when the dispatch is over
-- Fails SESSION_NOT_FOUND, DISPATCH_NOT_FOUND, DISPATCH_CONFLICT; retry when the requests passed are not all there are
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local a = hash(KEYS[5])
if not a or a.dispatchId ~= ARGV[7] then return refuse('DISPATCH_NOT_FOUND') end
local over = a.dispatchState == 'completed' or a.dispatchState == 'failed'
if a.attempt ~= ARGV[9] or a.attempt == '0' then return refuse('DISPATCH_CONFLICT') end
local waiting = {}
if a.dispatchState == 'started' and ARGV[8] ~= 'started' then
  waiting = waiting_permissions(7, 8, tonumber(ARGV[12]), a.dispatchId)
  if not waiting then return refuse('retry') end
end
-- A sign of life, also when it says nothing new: a bridge that attached again claims its running turn this way.
if not over then set(KEYS[5], a, 'reportedAt', dec(NOW)) end
if a.dispatchState == ARGV[8] then
  -- The same report twice; but a failure the service decided is not the bridge's own.
  if over and ARGV[8] == 'failed' and a.failedBy ~= 'bridge' then return refuse('DISPATCH_CONFLICT') end
  return {'ok', dispatch_json(a), tostring(over)}
end
if over then return refuse('DISPATCH_CONFLICT') end
local ids = '{"approvalId":"' .. a.id .. '","dispatchId":"' .. a.dispatchId .. '",'
if ARGV[8] == 'started' then
  if a.dispatchState ~= 'queued' or S.status ~= 'active' then return refuse('DISPATCH_CONFLICT') end
  set(KEYS[5], a, 'dispatchState', 'started', 'startedAt', dec(NOW))
  call('ZREM', KEYS[6], a.id)
  emit('prompt_dispatch_started', '-', ids .. '"attempt":' .. a.attempt .. '}')
elseif ARGV[8] == 'completed' then
  if a.dispatchState ~= 'started' then return refuse('DISPATCH_CONFLICT') end
  local cancelled = present(a.cancelledAt) or ARGV[11] == 'cancelled'
  withdraw_permissions(7, waiting, cancelled and 'turn_cancelled' or 'turn_ended')
  set(KEYS[5], a, 'dispatchState', 'completed', 'endedAt', dec(NOW), 'stopReason', ARGV[11])
  emit('prompt_dispatch_completed', '-', ids .. '"stopReason":' .. quote(ARGV[11]) .. '}')
else
  withdraw_permissions(7, waiting, 'turn_failed')
  set(KEYS[5], a, 'failedBy', 'bridge')
  fail_dispatch(KEYS[5], KEYS[6], a, ARGV[10])
end
save_sequence()
return {'ok', dispatch_json(a), tostring(ARGV[8] ~= 'started')}
