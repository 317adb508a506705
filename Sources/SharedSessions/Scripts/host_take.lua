#!lua
-- include: core host
-- Takes the host session's one running slot for a dispatch.
-- KEYS  frame, 3 where the dispatch belongs (string)
-- ARGV  frame, 4 fence, 5 session id, 6 approval id, 7 dispatch id
-- Reply ok, session, approval, dispatch that now hold the slot
-- Fails HOST_SESSION_NOT_FOUND, fenced
local ended = enter_host()
if ended then return ended end
if H.fence ~= ARGV[4] then return refuse('fenced') end
if present(H.runningDispatch) and H.runningDispatch ~= ARGV[7] then
  return {'ok', H.runningSession, H.runningApproval, H.runningDispatch}
end
call('HSET', KEYS[1], 'runningSession', ARGV[5], 'runningApproval', ARGV[6], 'runningDispatch', ARGV[7])
call('SET', KEYS[3], ARGV[5] .. ' ' .. ARGV[6])
keep_host()
return {'ok', ARGV[5], ARGV[6], ARGV[7]}
