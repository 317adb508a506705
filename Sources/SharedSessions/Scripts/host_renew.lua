#!lua
-- include: core clock host
-- durability: local
-- The open attachment renews its lease, and learns whether there has been work for it that no signal told of.
-- keys: host sessions agent_state places places_order answers answers_order
-- args: lease fence host_lifetime
-- reply: ok, lease end ms, wakes so far
-- fails: HOST_SESSION_NOT_FOUND; fenced when a newer attachment has taken over or the lease has lapsed
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
-- Once lapsed it stays lapsed: others have been told that the host is offline.
if H.fence ~= fence or not attached() then return refuse('fenced') end
local lease_end = dec(NOW + tonumber(lease))
call('HSET', host, 'leaseUntil', lease_end, 'lastSeenAt', dec(NOW))
keep_host()
return {'ok', lease_end, H.wakes or '0'}
