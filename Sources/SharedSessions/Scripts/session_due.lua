#!lua flags=no-writes
-- include: core session
-- What a session's deadline is about.
-- keys: session queue deadlines
-- args:
-- reply: ok, 'active', 'expired', 'ending' or 'ended'; endsAt ms, purgeAt ms, workspace id, host session id,
--   the nearest deadline in it in ms ('' none), prompts in its queue, when its host went offline in ms ('' it is there)
-- fails: SESSION_NOT_FOUND
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local v = call('HMGET', session, 'workspaceId', 'hostSessionId', 'ending', 'hostOfflineAt')
local state = S.status
if present(S.closed) then state = v[3] and 'ending' or 'ended' end
return {'ok', state, dec(S.ends), S.purge, v[1], v[2], call('ZRANGE', deadlines, 0, 0, 'WITHSCORES')[2] or '',
  dec(call('ZCARD', queue)), v[4] or ''}
