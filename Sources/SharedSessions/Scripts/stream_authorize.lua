#!lua flags=no-writes
-- include: core session participant
-- Whether a caller may open a stream, and where the session's events are.
-- keys: session participants credentials presence
-- args: caller token vouched cursor
--   vouched: 'ticket' when a ticket vouches for the caller; cursor: 'cursor' when the caller sent one
-- reply: ok, role, last event id, seq, status, what viewers see, the caller's streams by node
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE; an ended session is open to those present at its end who send a cursor
if not load_session() then return refuse('SESSION_NOT_FOUND') end
if S.status ~= 'active' and cursor ~= 'cursor' then return refuse('SESSION_INACTIVE', S.status) end
local record = call('HGET', participants, caller)
if not record then return refuse('PARTICIPANT_NOT_FOUND') end
if vouched ~= 'ticket' and not holds(caller, token) then return refuse('INVALID_PARTICIPANT_TOKEN') end
if has_left(record) then return refuse('PARTICIPANT_INACTIVE') end
local v = call('HMGET', session, 'lastEventId', 'viewerUpdates')
return {'ok', role_of(record), v[1], dec(S.seq), S.status, v[2], call('HGET', presence, caller) or ''}
