#!lua flags=allow-oom
-- include: core host
-- Frees the running slot of a dispatch that is over, and wakes the attachment for the next one.
-- KEYS  frame    ARGV  frame, 4 dispatch id ('' only wake)
-- Reply ok
-- Fails HOST_SESSION_NOT_FOUND
local ended = enter_host()
if ended then return ended end
if ARGV[4] ~= '' and H.runningDispatch == ARGV[4] then
  call('HDEL', KEYS[1], 'runningSession', 'runningApproval', 'runningDispatch', 'cancelling')
end
signal('wake')
return {'ok'}
