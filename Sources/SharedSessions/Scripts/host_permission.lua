#!lua
-- include: core host
-- Keeps where a permission request of this host session belongs, so that its bridge can ask for it by its id alone.
-- KEYS  frame, 3 where the permission request belongs (string)
-- ARGV  frame, 4 session id
-- Reply ok
-- Fails HOST_SESSION_NOT_FOUND
local ended = enter_host()
if ended then return ended end
call('SET', KEYS[3], ARGV[4])
keep_host()
return {'ok'}
