#!lua flags=no-writes
-- include: core session participant reader
-- Whether a caller may read the whole log: while it lasts a participant who is there, afterwards one who was at the end.
-- KEYS  frame    ARGV  frame, 7 how the caller comes
-- Reply ok, role ('' none), what viewers see, last event id
-- Fails SESSION_NOT_FOUND, PARTICIPANT_NOT_FOUND, INVALID_PARTICIPANT_TOKEN, PARTICIPANT_INACTIVE
if not load_session() then return refuse('SESSION_NOT_FOUND') end
if ARGV[7] ~= 'participant' then return {'ok', role_of_anybody(), S.viewerUpdates, S.last} end
local p = hash(KEYS[3])
if not p or p.id ~= ARGV[1] then return refuse('PARTICIPANT_NOT_FOUND') end
if not holds(p, ARGV[2]) then return refuse('INVALID_PARTICIPANT_TOKEN') end
if present(p.leftAt) and p.presentAtEnd ~= '1' then return refuse('PARTICIPANT_INACTIVE') end
return {'ok', p.role, S.viewerUpdates, S.last}
