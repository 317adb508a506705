#!lua flags=allow-oom
-- include: core clock
-- durability: local
-- One request against a rate, by the generic cell rate algorithm: what is kept is only the time at which the bucket
-- would be empty again, so a key costs nothing once that time has passed.
-- keys: key
-- args: cost burst
--   cost: microseconds one request uses up; burst: microseconds that may be used up ahead of time
-- reply: ok
-- fails: limited with the whole seconds after which a request would pass
local empty = math.max(tonumber(call('GET', key) or '0'), NOW_US) + tonumber(cost)
local early = empty - tonumber(burst) - NOW_US
if early > 0 then return refuse('limited', dec(math.ceil(early / 1000000))) end
call('SET', key, dec(empty), 'PX', dec(math.ceil((empty - NOW_US) / 1000) + 1))
return {'ok'}
