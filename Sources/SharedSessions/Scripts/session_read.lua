#!lua flags=no-writes
-- include: core session
-- One session, whatever its status, with what it is listed by.
-- keys: session
-- args:
-- reply: ok, session, status, workspace id, host session id
-- fails: SESSION_NOT_FOUND
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local v = call('HMGET', session, 'workspaceId', 'hostSessionId')
return {'ok', session_json(), S.status, v[1], v[2]}
