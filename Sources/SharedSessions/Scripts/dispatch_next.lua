#!lua flags=no-writes
-- include: core session approval
-- The first prompt in a session's queue.
-- keys: session approvals queue
-- args:
-- reply: ok, order, approval id, dispatch id; ok alone when none waits
load_session()
if status ~= 'active' then return {'ok'} end
local head = call('ZRANGE', queue, 0, 0, 'WITHSCORES')
local a = head[1] and load_approval(head[1])
if not a or not a.dispatch then return {'ok'} end
return {'ok', head[2], a.id, a.dispatch.id}
