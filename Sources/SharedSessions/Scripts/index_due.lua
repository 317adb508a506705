#!lua flags=allow-oom
-- include: core clock
-- durability: local
-- The entries of an index that are due, each claimed for a while: moved a little into the future, so that usually only
-- one node works on it.
-- keys: key
-- args: most claim
--   most: entries; claim: ms a node has for one entry before another one tries
-- reply: ok, the score they are claimed at, then member and the score it was due at, for each
local claimed = dec(NOW + tonumber(claim))
local due = call('ZRANGEBYSCORE', key, '-inf', dec(NOW), 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #due, 2 do call('ZADD', key, claimed, due[i]) end
return {'ok', claimed, unpack(due)}
