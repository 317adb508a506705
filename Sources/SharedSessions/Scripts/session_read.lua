#!lua flags=no-writes
-- include: core session
-- One session, whatever its status.
-- KEYS  1 session    ARGV none
-- Reply ok, session, endsAt ms
-- Fails SESSION_NOT_FOUND
if not load_session() then return refuse('SESSION_NOT_FOUND') end
return {'ok', session_json(), S.endsAt}
