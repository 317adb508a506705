#!lua
-- include: core host
-- Asks the attached bridge to stop the turn that runs for a session.
-- KEYS  frame    ARGV  frame, 4 session id
-- Reply ok, 'true' when one runs, its approval id, its dispatch id ('' none)
local ended = enter_host()
if ended then return ended end
if H.runningSession ~= ARGV[4] then return {'ok', 'false', '', ''} end
call('HSET', KEYS[1], 'cancelling', H.runningDispatch)
signal('cancel ' .. H.runningDispatch)
return {'ok', 'true', H.runningApproval, H.runningDispatch}
