#!lua flags=no-writes
-- include: core session
-- The first prompt in a session's queue.
-- KEYS  1 session, 2 queue zset
-- Reply ok, order, approval id; ok alone when none waits
if not load_session() or S.status ~= 'active' then return {'ok'} end
local head = call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if #head == 0 then return {'ok'} end
return {'ok', head[2], head[1]}
