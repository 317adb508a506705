#!lua flags=allow-oom
-- include: core
-- One request against a rate, by the generic cell rate algorithm: what is kept is only the time at which the bucket
-- would be empty again, so a key costs nothing once that time has passed.
-- KEYS  1 the caller's key (string, microseconds)
-- ARGV  1 microseconds one request uses up, 2 microseconds that may be used up ahead of time (the burst)
-- Reply ok
-- Fails limited with the whole seconds after which a request would pass
local empty = math.max(tonumber(call('GET', KEYS[1]) or '0'), NOW_US) + tonumber(ARGV[1])
local early = empty - tonumber(ARGV[2]) - NOW_US
if early > 0 then return refuse('limited', dec(math.ceil(early / 1000000))) end
call('SET', KEYS[1], dec(empty), 'PX', dec(math.ceil((empty - NOW_US) / 1000) + 1))
return {'ok'}
