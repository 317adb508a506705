#!lua flags=allow-oom
-- include: core session participant approval pending dispatch end
-- A further step of the end of a session.
-- keys: session events participants presence approvals order queue deadlines
-- args:
-- reply: ok, 'true' when all of it has ended, host session id, then the ids of the requests that were withdrawn
-- fails: SESSION_NOT_FOUND
if not load_session() then return refuse('SESSION_NOT_FOUND') end
if not call('HGET', session, 'ending') then return {'ok', 'true', ''} end
S.last = call('HGET', session, 'lastEventId')
local done, withdrawn = end_some()
save('approvalBytes', dec(S.approval_bytes or tonumber(call('HGET', session, 'approvalBytes'))))
return {'ok', tostring(done), call('HGET', session, 'hostSessionId'), unpack(withdrawn)}
