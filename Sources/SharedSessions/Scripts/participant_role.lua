#!lua
-- include: core session participant
-- The host changes what a participant may do; the host's own role is handed over elsewhere.
-- KEYS  frame, 5 hash of the participant
-- ARGV  frame, 7 participant id, 8 role (collaborator or viewer, '' unchanged),
--       9 '1' or '0': whether they may decide on approvals ('' unchanged)
-- Reply ok, participant
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, PARTICIPANT_NOT_FOUND, INVALID_FIELD for the host or
--       a viewer who should decide, FIRST_TOKEN_REQUIRED
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
local p = hash(KEYS[5])
if not p or p.id ~= ARGV[7] then return refuse('PARTICIPANT_NOT_FOUND') end
if present(p.leftAt) then return refuse('PARTICIPANT_INACTIVE') end
if p.role == 'host' then return refuse('INVALID_FIELD', "'role' of the host cannot be changed") end
local role, may = ARGV[8] ~= '' and ARGV[8] or p.role, ARGV[9] ~= '' and ARGV[9] or p.canApprove or '0'
if role == 'viewer' then
  if ARGV[9] == '1' then return refuse('INVALID_FIELD', "'canApprove' is for collaborators") end
  may = '0'
end
if role ~= p.role or may ~= (p.canApprove or '0') then
  if may == '1' and p.canApprove ~= '1' and not trust_first_token(KEYS[5], p) then return refuse('FIRST_TOKEN_REQUIRED') end
  p.role, p.canApprove = role, may
  call('HSET', KEYS[5], 'role', p.role, 'canApprove', p.canApprove)
  emit('participant_updated', p.id, '{"participant":' .. participant_json(p) .. '}')
  save_sequence()
end
return answer(participant_json(p))
