#!lua flags=no-writes
-- include: core session
-- Whether a caller may open a stream, and where the session's events are.
-- keys: session participants credentials presence
-- args: caller token cursor
--   token: 'ticket' when a ticket vouches for the caller; cursor: 'cursor' when the caller sent one
-- reply: ok, role, the session's state, its status, the caller's streams by node
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE; an ended session is open to those present at its end who send a cursor
look_at_session()
if not status then return refuse('SESSION_NOT_FOUND') end
if status ~= 'active' and cursor ~= 'cursor' then return refuse('SESSION_INACTIVE', status) end
local record = call('HGET', participants, caller)
if not record then return refuse('PARTICIPANT_NOT_FOUND') end
if token ~= 'ticket' then
  local digests = call('HGET', credentials, caller)
  if token == '' or not digests or not string.find(digests, token, 1, true) then return refuse('INVALID_PARTICIPANT_TOKEN') end
end
if string.find(record, ',"leftAt":"', 1, true) then return refuse('PARTICIPANT_INACTIVE') end
return {'ok', string.match(record, '^%l+', 111), session_state, status, call('HGET', presence, caller) or ''}
