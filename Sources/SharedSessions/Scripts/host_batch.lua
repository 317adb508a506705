#!lua
-- include: core clock host
-- Checks a host token for a batch of notifications and says which sessions get it. The last batches are remembered by name, so
-- that one that is sent again goes to the sessions there were at first; each of those appends it once.
-- keys: host sessions
-- args: token batch batches_kept
--   batch: its name and the digest of what it says, joined by '@' ('' nothing to remember)
-- reply: ok, [shared session ids]
-- fails: HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN, IDEMPOTENCY_KEY_REUSED
local ended = enter_host_session()
if ended then return ended end
if batch == '' then return {'ok', call('ZRANGE', sessions, 0, -1)} end
local name, digest = string.match(batch, '^(.*)@(.*)$')
local first, since = string.match(H.batches or '', ' ' .. name .. '@(%S+)@(%d+)')
if first and first ~= digest then return refuse('IDEMPOTENCY_KEY_REUSED') end
if first then return {'ok', call('ZRANGEBYSCORE', sessions, '-inf', since)} end
local kept = {}
for known in string.gmatch(H.batches or '', '%S+') do kept[#kept + 1] = known end
-- A session that is shared later gets a later place, also within this millisecond.
local newest = call('ZREVRANGE', sessions, 0, 0, 'WITHSCORES')[2]
local at = math.max(NOW, tonumber(newest or '0'))
kept[#kept + 1] = batch .. '@' .. at
call('HSET', host, 'batchedAt', at, 'batches', ' ' .. table.concat(kept, ' ', math.max(1, #kept - tonumber(batches_kept) + 1)))
return {'ok', call('ZRANGE', sessions, 0, -1)}
