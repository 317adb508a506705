#!lua
-- include: core session participant
-- Joins a user with an invite.
-- KEYS  frame (KEYS[3] the credentials' participant, for strict reuse), 5 participants zset, 6 users hash,
--       7 new participant hash, 8 hash of the participant this user is present as
-- ARGV  frame, 7 invite digest, 8 user id, 9 display name, 10 role, 11 new participant id, 12 digest of the new token,
--       13 'strict' or 'lenient', 14 participant id KEYS[8] was made from ('' none), 15 participants at most,
--       16 tokens kept
-- Reply ok, session, participant
-- Fails retry with the present participant's id; SESSION_NOT_FOUND, SESSION_INACTIVE, INVALID_INVITE_TOKEN,
--       HOST_IDENTITY_RESERVED, USER_ALREADY_JOINED, SESSION_FULL
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local first = repeated()
if first then return first end
if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
if call('HGET', KEYS[1], 'inviteHash') ~= ARGV[7] then return refuse('INVALID_INVITE_TOKEN') end
if ARGV[8] == S.hostUserId then return refuse('HOST_IDENTITY_RESERVED') end
local there = call('HGET', KEYS[6], ARGV[8]) or ''
if there ~= ARGV[14] then return refuse('retry', there) end

if there ~= '' then
  local p = hash(KEYS[8])
  -- The host's role can move to another user; an invite must not follow it.
  if p.role == 'host' then return refuse('HOST_IDENTITY_RESERVED') end
  if ARGV[13] == 'strict' and not (ARGV[1] == there and holds(p, ARGV[2])) then return refuse('USER_ALREADY_JOINED') end
  local tokens = {}
  for token in string.gmatch(p.tokens, '%S+') do tokens[#tokens + 1] = token end
  tokens[#tokens + 1] = ARGV[12]
  call('HSET', KEYS[8], 'tokens', table.concat(tokens, ' ', math.max(1, #tokens - tonumber(ARGV[16]) + 1)))
  return answer(session_json(), participant_json(p))
end

if call('HLEN', KEYS[6]) >= tonumber(ARGV[15]) then return refuse('SESSION_FULL') end
local p = {id = ARGV[11], userId = ARGV[8], displayName = ARGV[9], role = ARGV[10], joinedAt = dec(NOW)}
call('HSET', KEYS[7], 'id', p.id, 'userId', p.userId, 'displayName', p.displayName, 'role', p.role, 'tokens', ARGV[12],
  'joinedAt', p.joinedAt)
keep(KEYS[7])
call('ZADD', KEYS[5], dec(call('ZCARD', KEYS[5]) + 1), p.id)
call('HSET', KEYS[6], p.userId, p.id)
keep(KEYS[6])
emit('participant_joined', p.id, '{"participant":' .. participant_json(p) .. '}')
save_sequence()
return answer(session_json(), participant_json(p))
