#!lua flags=no-writes
-- include: core session
-- What a session's deadline is about.
-- keys: session queue deadlines
-- args:
-- reply: ok, 'active', 'expired', 'ending' or 'ended'; endsAt ms, purgeAt ms, workspace id, host session id,
--   the nearest deadline in it in ms ('' none), prompts in its queue, when its host went offline in ms ('' it is there)
-- fails: SESSION_NOT_FOUND
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
local v = call('HMGET', session, 'workspaceId', 'ending', 'hostOfflineAt')
local state = status
if closed ~= '-' then state = v[2] and 'ending' or 'ended' end
return {'ok', state, ends, purge, v[1], host_session_id, call('ZRANGE', deadlines, 0, 0, 'WITHSCORES')[2] or '',
  dec(call('ZCARD', queue)), v[3] or ''}
