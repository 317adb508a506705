#!lua
-- Moves or removes an entry of a deadline index, but only from the score it was read at: a nearer deadline that
-- somebody has set meanwhile stays.
-- KEYS  1 index zset    ARGV  1 member, 2 score it was read at, 3 new score ('' removes it)
-- Reply 1 when it was so
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1]) end
return 1
