#!lua
-- include: core session participant
-- The host hands the role to another participant and becomes a collaborator, in one step: there is always exactly one.
-- KEYS  frame, 5 hash of the participant
-- ARGV  frame, 7 participant id
-- Reply ok, session, participant
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, PARTICIPANT_NOT_FOUND, INVALID_FIELD for the host
--       itself, FIRST_TOKEN_REQUIRED
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
local p = hash(KEYS[5])
if not p or p.id ~= ARGV[7] then return refuse('PARTICIPANT_NOT_FOUND') end
if present(p.leftAt) then return refuse('PARTICIPANT_INACTIVE') end
if p.role == 'host' then return refuse('INVALID_FIELD', "'participantId' is the host already") end
if not trust_first_token(KEYS[5], p) then return refuse('FIRST_TOKEN_REQUIRED') end
P.role, p.role, p.canApprove = 'collaborator', 'host', '0'
S.hostUserId, S.hostParticipantId = p.userId, p.id
call('HSET', KEYS[3], 'role', P.role)
call('HSET', KEYS[5], 'role', p.role, 'canApprove', p.canApprove)
call('HSET', KEYS[1], 'hostUserId', S.hostUserId, 'hostParticipantId', S.hostParticipantId)
emit('participant_updated', P.id, '{"participant":' .. participant_json(P) .. '}')
emit('participant_updated', p.id, '{"participant":' .. participant_json(p) .. '}')
emit('session_updated', '-', '{"session":' .. session_json() .. '}')
save_sequence()
return answer(session_json(), participant_json(p))
