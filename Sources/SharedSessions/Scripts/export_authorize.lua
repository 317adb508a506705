#!lua flags=no-writes
-- include: core session participant caller reader
-- Whether a caller may read the whole log: while it lasts a participant who is there, afterwards one who was at the end.
-- keys: session participants credentials
-- args: how
-- reply: ok, role ('' none), what viewers see, last event id
-- fails: SESSION_NOT_FOUND, PARTICIPANT_NOT_FOUND, INVALID_PARTICIPANT_TOKEN, PARTICIPANT_INACTIVE
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local refusal, role
if how == 'participant' then refusal, role = find_reader() end
if refusal then return refusal end
local v = call('HMGET', session, 'lastEventId', 'viewerUpdates')
return {'ok', role or '', v[2], v[1]}
