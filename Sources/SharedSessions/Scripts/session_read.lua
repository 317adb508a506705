#!lua flags=no-writes
-- include: core session
-- One session, whatever its status, with what it is listed by.
-- keys: session
-- args:
-- reply: ok, session, status, workspace id, host session id
-- fails: SESSION_NOT_FOUND
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
return {'ok', session_json(), status, call('HGET', session, 'workspaceId'), host_session_id}
