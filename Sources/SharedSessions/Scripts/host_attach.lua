#!lua
-- include: core clock host
-- A bridge attaches; a newer attachment fences the older one.
-- keys: host sessions agent_state places places_order answers answers_order
-- args: token lease bridge host_lifetime
--   lease: ms; bridge: id of the bridge ('' unknown)
-- reply: ok, fence, 'same', 'other' or 'unknown': whether this is the bridge that was attached before, running session,
--   approval, dispatch, lease end ms, [shared session ids], dispatch id that is being cancelled, now in ms
-- fails: HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN
local ended = enter_host_session()
if ended then return ended end
local fence, who = dec(tonumber(H.fence or '0') + 1), 'unknown'
if present(H.bridgeId) and bridge ~= '' then who = H.bridgeId == bridge and 'same' or 'other' end
local lease_end = dec(NOW + tonumber(lease))
call('HSET', host, 'fence', fence, 'leaseUntil', lease_end, 'lastSeenAt', dec(NOW), 'bridgeId', bridge)
keep_host()
signal('fence ' .. fence)
return {'ok', fence, who, H.runningSession or '', H.runningApproval or '', H.runningDispatch or '', lease_end,
  call('ZRANGE', sessions, 0, -1), H.cancelling or '', dec(NOW)}
