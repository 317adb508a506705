#!lua
-- include: core host
-- A bridge attaches; a newer attachment fences the older one.
-- KEYS  frame    ARGV  frame, 4 lease ms, 5 bridge id ('' unknown)
-- Reply ok, fence, 'true' when another bridge was attached before, running session, approval, dispatch, lease end ms,
--       [shared session ids], dispatch id that is being cancelled
-- Fails HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN
local ended = enter_host()
if ended then return ended end
local fence = dec(tonumber(H.fence or '0') + 1)
local other = present(H.bridgeId) and ARGV[5] ~= '' and H.bridgeId ~= ARGV[5]
local lease = dec(NOW + tonumber(ARGV[4]))
call('HSET', KEYS[1], 'fence', fence, 'leaseUntil', lease, 'lastSeenAt', dec(NOW), 'bridgeId', ARGV[5])
keep_host()
signal('fence ' .. fence)
return {'ok', fence, tostring(other or false), H.runningSession or '', H.runningApproval or '', H.runningDispatch or '',
  lease, call('ZRANGE', KEYS[2], 0, -1), H.cancelling or ''}
