#!lua
-- include: core host
-- The open attachment renews its lease.
-- KEYS  frame    ARGV  frame, 4 lease ms, 5 fence
-- Reply ok, lease end ms
-- Fails HOST_SESSION_NOT_FOUND; fenced when a newer attachment has taken over or the lease has lapsed
local ended = enter_host()
if ended then return ended end
-- Once lapsed it stays lapsed: others have been told that the host is offline.
if H.fence ~= ARGV[5] or not attached() then return refuse('fenced') end
local lease = dec(NOW + tonumber(ARGV[4]))
call('HSET', KEYS[1], 'leaseUntil', lease, 'lastSeenAt', dec(NOW))
keep_host()
return {'ok', lease}
