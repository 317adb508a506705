#!lua flags=allow-oom
-- include: core clock
-- durability: local
-- Moves or removes an entry of an index, but only from the score it was read at: a nearer time that somebody has set meanwhile
-- stays.
-- keys: key
-- args: member from delay
--   from: the score it was read at; delay: ms from now ('' removes it)
-- reply: ok, the score it has now ('' removed); ok alone when it was moved meanwhile
if call('ZSCORE', key, member) ~= from then return {'ok'} end
if delay == '' then
  call('ZREM', key, member)
  return {'ok', ''}
end
local to = dec(NOW + tonumber(delay))
call('ZADD', key, to, member)
return {'ok', to}
