#!lua flags=no-writes
-- include: core session participant
-- Whether a caller may open a stream, and where the session's events are.
-- KEYS  frame
-- ARGV  frame, 7 'ticket' when a ticket vouches for the caller, 8 'cursor' when the caller sent one
-- Reply ok, participant id, role, last event id, seq, status, what viewers see
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE; an ended session is open to those present at its end who send a cursor
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local over = S.status ~= 'active'
if over and ARGV[8] ~= 'cursor' then return refuse('SESSION_INACTIVE', S.status) end
local p = hash(KEYS[3])
if not p or p.id ~= ARGV[1] then return refuse('PARTICIPANT_NOT_FOUND') end
if ARGV[7] ~= 'ticket' and not holds(p, ARGV[2]) then return refuse('INVALID_PARTICIPANT_TOKEN') end
if present(p.leftAt) and not (over and p.presentAtEnd == '1') then return refuse('PARTICIPANT_INACTIVE') end
return {'ok', p.id, p.role, S.last, dec(S.seq), S.status, S.viewerUpdates}
