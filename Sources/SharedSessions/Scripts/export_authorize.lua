#!lua flags=no-writes
-- include: core session participant
-- Whether a caller may read the whole log: while it lasts a participant who is there, afterwards one who was at the end.
-- KEYS  frame    ARGV  frame
-- Reply ok
-- Fails SESSION_NOT_FOUND, PARTICIPANT_NOT_FOUND, INVALID_PARTICIPANT_TOKEN, PARTICIPANT_INACTIVE
if not load_session() then return refuse('SESSION_NOT_FOUND') end
if ARGV[1] == '' then return {'ok'} end
local p = hash(KEYS[3])
if not p or p.id ~= ARGV[1] then return refuse('PARTICIPANT_NOT_FOUND') end
if not holds(p, ARGV[2]) then return refuse('INVALID_PARTICIPANT_TOKEN') end
if present(p.leftAt) and p.presentAtEnd ~= '1' then return refuse('PARTICIPANT_INACTIVE') end
return {'ok'}
