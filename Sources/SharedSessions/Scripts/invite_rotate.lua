#!lua
-- include: core session participant
-- The host replaces the invite; the old one stops working at once.
-- KEYS  frame     ARGV  frame, 7 digest of the new invite
-- Reply ok, '{}'
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
call('HSET', KEYS[1], 'inviteHash', ARGV[7])
return answer('{}')
