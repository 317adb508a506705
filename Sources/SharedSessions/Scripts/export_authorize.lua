#!lua flags=no-writes
-- include: core session participant caller
-- Whether a caller may read the whole log: while it lasts a participant who is there, afterwards one who was at the end.
-- keys: session participants credentials
-- args: how
-- reply: ok, role ('' none), what viewers see, last event id
-- fails: SESSION_NOT_FOUND, PARTICIPANT_NOT_FOUND, INVALID_PARTICIPANT_TOKEN, PARTICIPANT_INACTIVE
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
if how == 'participant' then
  authenticate()
end
return {'ok', caller_role or '', viewer_updates, last}
