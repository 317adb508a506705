#!lua
-- include: core session participant invite
-- The host makes a scoped invite.
-- KEYS  frame, 5 invites zset, 6 invite token hash, 7 new invite hash
-- ARGV  frame, 7 invite id, 8 digest of its token, 9 role at most, 10 label, 11 uses at most ('' no limit),
--       12 ms until it ends ('' with the session), 13 invites at most
-- Reply ok, invite
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, INVITE_LIMIT
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
if call('ZCARD', KEYS[5]) >= tonumber(ARGV[13]) then return refuse('INVITE_LIMIT') end
local i = {id = ARGV[7], role = ARGV[9], label = ARGV[10], maxUses = ARGV[11], uses = '0', createdAt = dec(NOW),
  expiresAt = ARGV[12] ~= '' and dec(NOW + tonumber(ARGV[12])) or ''}
call('HSET', KEYS[7], 'id', i.id, 'role', i.role, 'label', i.label, 'maxUses', i.maxUses, 'uses', i.uses, 'createdAt',
  i.createdAt, 'expiresAt', i.expiresAt, 'digest', ARGV[8])
call('HSET', KEYS[6], ARGV[8], i.id)
call('ZADD', KEYS[5], dec(call('ZCARD', KEYS[5]) + 1), i.id)
for n = 5, 7 do keep(KEYS[n]) end
return answer(invite_json(i))
