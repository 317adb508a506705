#!lua
-- include: core session participant
-- Checks a caller, for operations whose work is elsewhere; with a key it also keeps the answer the node has ready.
-- KEYS  frame    ARGV  frame, 7 'host' when only the host may, 8 the answer to keep ('' none), 9 'look' to keep none yet
-- Reply ok, the answer (or the participant), participant id
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
local ended = enter()
if ended then return ended end
if ARGV[7] == 'host' and P.role ~= 'host' then return refuse('HOST_REQUIRED') end
if ARGV[9] == 'look' then return {'ok', '', P.id} end
return answer(ARGV[8] ~= '' and ARGV[8] or participant_json(P), P.id)
