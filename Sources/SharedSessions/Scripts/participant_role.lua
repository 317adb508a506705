#!lua
-- include: core session participant
-- The host changes a participant's role; never to or from host.
-- KEYS  frame, 5 hash of the participant
-- ARGV  frame, 7 participant id, 8 role (collaborator or viewer)
-- Reply ok, participant
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, PARTICIPANT_NOT_FOUND, INVALID_FIELD for the host's role
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
local p = hash(KEYS[5])
if not p or p.id ~= ARGV[7] then return refuse('PARTICIPANT_NOT_FOUND') end
if present(p.leftAt) then return refuse('PARTICIPANT_INACTIVE') end
if p.role == 'host' then return refuse('INVALID_FIELD', "'role' of the host cannot be changed") end
if p.role ~= ARGV[8] then
  p.role = ARGV[8]
  call('HSET', KEYS[5], 'role', p.role)
  emit('participant_updated', p.id, '{"participant":' .. participant_json(p) .. '}')
  save_sequence()
end
return answer(participant_json(p))
