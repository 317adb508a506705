#!lua
-- include: core host
-- A bridge attaches; a newer attachment fences the older one.
-- KEYS  frame    ARGV  frame, 4 lease ms, 5 bridge id ('' unknown)
-- Reply ok, fence, 'same', 'other' or 'unknown': whether this is the bridge that was attached before, running session, approval, dispatch, lease end ms,
--       [shared session ids], dispatch id that is being cancelled, now in ms
-- Fails HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN
local ended = enter_host()
if ended then return ended end
local fence = dec(tonumber(H.fence or '0') + 1)
local bridge = 'unknown'
if present(H.bridgeId) and ARGV[5] ~= '' then bridge = H.bridgeId == ARGV[5] and 'same' or 'other' end
local lease = dec(NOW + tonumber(ARGV[4]))
call('HSET', KEYS[1], 'fence', fence, 'leaseUntil', lease, 'lastSeenAt', dec(NOW), 'bridgeId', ARGV[5])
keep_host()
signal('fence ' .. fence)
return {'ok', fence, bridge, H.runningSession or '', H.runningApproval or '', H.runningDispatch or '',
  lease, call('ZRANGE', KEYS[2], 0, -1), H.cancelling or '', dec(NOW)}
