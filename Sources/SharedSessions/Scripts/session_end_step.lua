#!lua flags=allow-oom
-- include: core session participant approval pending dispatch end
-- A further step of the end of a session.
-- keys: session events participants presence approvals order queue deadlines
-- args:
-- reply: ok, 'true' when all of it has ended, host session id, then the ids of the requests that were withdrawn
-- fails: SESSION_NOT_FOUND
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
if not call('HGET', session, 'ending') then return {'ok', 'true', ''} end
local done, withdrawn = end_some()
save()
return {'ok', tostring(done), host_session_id, unpack(withdrawn)}
