#!lua
-- include: core session participant invite
-- Joins a user with an invite.
-- KEYS  frame (KEYS[3] the credentials' participant, for strict reuse), 5 participants zset, 6 users hash,
--       7 new participant hash, 8 hash of the participant this user is present as, 9 invite token hash,
--       10 hash of the scoped invite
-- ARGV  frame, 7 invite digest, 8 user id, 9 display name, 10 role, 11 new participant id, 12 digest of the new token,
--       13 'strict' or 'lenient', 14 participant id KEYS[8] was made from ('' none), 15 participants at most,
--       16 tokens kept, 17 invite id KEYS[10] was made from ('' none)
-- Reply ok, session, participant
-- Fails retry with the present participant's id ('-' none) and the invite's id ('-' none); SESSION_NOT_FOUND, SESSION_INACTIVE, INVALID_INVITE_TOKEN,
--       HOST_IDENTITY_RESERVED, USER_ALREADY_JOINED, SESSION_FULL
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local first = repeated()
if first then return first end
if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
local scoped = ''
if call('HGET', KEYS[1], 'inviteHash') ~= ARGV[7] then
  scoped = call('HGET', KEYS[9], ARGV[7]) or ''
  if scoped == '' then return refuse('INVALID_INVITE_TOKEN') end
end
local there = call('HGET', KEYS[6], ARGV[8]) or ''
if there ~= ARGV[14] or scoped ~= ARGV[17] then
  return refuse('retry', (there == '' and '-' or there) .. ' ' .. (scoped == '' and '-' or scoped))
end
local invite = scoped ~= '' and hash(KEYS[10]) or nil
if invite and not is_open(invite) then return refuse('INVALID_INVITE_TOKEN') end
if ARGV[8] == S.hostUserId then return refuse('HOST_IDENTITY_RESERVED') end
local role = invite and invite.role == 'viewer' and 'viewer' or ARGV[10]

if there ~= '' then
  local p = hash(KEYS[8])
  -- The host's role can move to another user; an invite must not follow it.
  if p.role == 'host' then return refuse('HOST_IDENTITY_RESERVED') end
  -- Nor may an invite lead to somebody who decides on prompts.
  local guarded = ARGV[13] == 'strict' or p.canApprove == '1'
  if guarded and not (ARGV[1] == there and holds(p, ARGV[2])) then return refuse('USER_ALREADY_JOINED') end
  local tokens = {}
  for token in string.gmatch(p.tokens, '%S+') do tokens[#tokens + 1] = token end
  tokens[#tokens + 1] = ARGV[12]
  call('HSET', KEYS[8], 'tokens', table.concat(tokens, ' ', math.max(1, #tokens - tonumber(ARGV[16]) + 1)))
  return answer(session_json(), participant_json(p))
end

if call('HLEN', KEYS[6]) >= tonumber(ARGV[15]) then return refuse('SESSION_FULL') end
local p = {id = ARGV[11], userId = ARGV[8], displayName = ARGV[9], role = role, joinedAt = dec(NOW)}
call('HSET', KEYS[7], 'id', p.id, 'userId', p.userId, 'displayName', p.displayName, 'role', p.role, 'tokens', ARGV[12],
  'firstToken', ARGV[12], 'joinedAt', p.joinedAt)
keep(KEYS[7])
call('ZADD', KEYS[5], dec(call('ZCARD', KEYS[5]) + 1), p.id)
call('HSET', KEYS[6], p.userId, p.id)
keep(KEYS[6])
if invite then call('HSET', KEYS[10], 'uses', dec(tonumber(invite.uses) + 1)) end
emit('participant_joined', p.id, '{"participant":' .. participant_json(p) .. '}')
save_sequence()
return answer(session_json(), participant_json(p))
