#!lua
-- include: core session participant approval
-- Hands a queued dispatch out: the attempt goes up by one, and what was handed out before is stale from here on.
-- KEYS  frame (KEYS[3] the author), 5 approval hash, 6 queue zset
-- ARGV  frame, 7 dispatch id, 8 dispatch time-out ms
-- Reply ok, dispatch payload, when it must have started in ms, 'true' when it was told to stop before it was begun
-- Fails SESSION_NOT_FOUND, gone with the dispatch's state when it is not queued (any more)
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local a = hash(KEYS[5])
if not a or a.dispatchId ~= ARGV[7] then return refuse('gone', 'unknown') end
if a.dispatchState ~= 'queued' or S.status ~= 'active' or not call('ZSCORE', KEYS[6], a.id) then
  return refuse('gone', a.dispatchState)
end
set(KEYS[5], a, 'attempt', dec(tonumber(a.attempt) + 1))
-- Its time to be started counts from when the bridge could first have started it.
if a.attempt == '1' then set(KEYS[5], a, 'startBy', dec(NOW + tonumber(ARGV[8]))) end
local text = present(a.editedPrompt) and a.editedPrompt or a.prompt
return {'ok', '{"dispatchId":"' .. a.dispatchId .. '","approvalId":"' .. a.id .. '","sharedSessionId":"' .. S.id
  .. '","prompt":' .. quote(text) .. ',"participant":' .. participant_json(hash(KEYS[3])) .. ',"attempt":' .. a.attempt
  .. '}', a.startBy, tostring(present(a.cancelledAt))}
