#!lua
-- include: core session participant approval
-- The session's part of stopping a turn: what the agent asked in it is withdrawn, and it can ask no more.
-- KEYS  frame, 5 approval hash of the prompt that runs, 6 permissions hash, then the hashes of its waiting requests
-- ARGV  frame, 7 'true' when a turn was asked to stop, 8 its dispatch id ('' none), 9 waiting requests passed
-- Reply ok, ARGV[7]
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED; retry when the requests passed are not all there are
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
local turn = call('HMGET', KEYS[5], 'dispatchId', 'dispatchState')
if ARGV[8] ~= '' and turn[1] == ARGV[8] and (turn[2] == 'queued' or turn[2] == 'started') then
  local waiting = waiting_permissions(6, 7, tonumber(ARGV[9]), ARGV[8])
  if not waiting then return refuse('retry') end
  call('HSET', KEYS[5], 'cancelledAt', dec(NOW))
  if #waiting > 0 then
    withdraw_permissions(6, waiting, 'turn_cancelled')
    save_sequence()
  end
end
return answer(ARGV[7])
