#!lua flags=allow-oom
-- include: core host
-- Tells the node that holds the attachment that a permission request is resolved.
-- KEYS  frame
-- ARGV  frame, 4 session id, 5 approval id
-- Reply ok
-- Fails HOST_SESSION_NOT_FOUND
local ended = enter_host()
if ended then return ended end
signal('permission ' .. ARGV[4] .. ' ' .. ARGV[5])
return {'ok'}
