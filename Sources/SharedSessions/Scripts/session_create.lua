#!lua
-- include: core session participant
-- Creates a session with its host participant.
-- KEYS  frame (KEYS[3] the host's participant hash), 5 participants zset, 6 users hash
-- ARGV  frame, 7 session id, 8 workspace id, 9 host session id, 10 host user id, 11 mode, 12 ms asked for ('' none),
--       13 longest life ms, 14 retention ms, 15 invite digest, 16 host participant id, 17 host display name,
--       18 seconds an approval may stay pending ('' no limit), 19 what viewers see: all or reduced
--       (ARGV[2] is the digest of the host's new token)
-- Reply ok, session, participant
-- Fails IDEMPOTENCY_KEY_REUSED; INTERNAL_ERROR when the id exists
if load_session() then return repeated() or refuse('INTERNAL_ERROR') end
local asked = ARGV[12] ~= '' and NOW + tonumber(ARGV[12]) or nil
local ends = asked or NOW + tonumber(ARGV[13])
S = {id = ARGV[7], workspaceId = ARGV[8], hostSessionId = ARGV[9], hostUserId = ARGV[10], mode = ARGV[11],
  status = 'active', createdAt = dec(NOW), expiresAt = asked and dec(asked) or '', endsAt = dec(ends),
  purgeAt = dec(ends + tonumber(ARGV[14])), seq = 0, bytes = 0, approvalTimeout = ARGV[18],
  viewerUpdates = ARGV[19]}
P = {id = ARGV[16], userId = S.hostUserId, displayName = ARGV[17], role = 'host', joinedAt = dec(NOW)}
call('HSET', KEYS[1], 'id', S.id, 'workspaceId', S.workspaceId, 'hostSessionId', S.hostSessionId, 'hostUserId',
  S.hostUserId, 'mode', S.mode, 'status', S.status, 'inviteHash', ARGV[15], 'createdAt', S.createdAt, 'expiresAt',
  S.expiresAt, 'endsAt', S.endsAt, 'purgeAt', S.purgeAt, 'hostParticipantId', P.id, 'approvalTimeout', S.approvalTimeout,
  'viewerUpdates', S.viewerUpdates)
call('HSET', KEYS[3], 'id', P.id, 'userId', P.userId, 'displayName', P.displayName, 'role', P.role, 'tokens', ARGV[2],
  'firstToken', ARGV[2], 'joinedAt', P.joinedAt)
call('ZADD', KEYS[5], '1', P.id)
call('HSET', KEYS[6], P.userId, P.id)
emit('shared_session_created', '-', '{"session":' .. session_json() .. '}')
emit('participant_joined', P.id, '{"participant":' .. participant_json(P) .. '}')
save_sequence()
for _, key in ipairs({KEYS[1], KEYS[2], KEYS[3], KEYS[5], KEYS[6]}) do keep(key) end
return answer(session_json(), participant_json(P))
