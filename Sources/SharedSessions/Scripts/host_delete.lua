#!lua flags=allow-oom
-- include: core host
-- Removes a host session once its shared sessions are closed.
-- KEYS  frame    ARGV  frame
-- Reply ok
-- Fails HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN; retry when it shares a session again
local ended = enter_host()
if ended then return ended end
if call('ZCARD', KEYS[2]) > 0 then return refuse('retry') end
signal('gone')
call('DEL', KEYS[1], KEYS[2])
return {'ok'}
