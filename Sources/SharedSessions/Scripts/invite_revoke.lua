#!lua
-- include: core session participant invite
-- The host revokes a scoped invite; it stops working at once. Twice is once.
-- KEYS  frame, 5 invite hash, 6 invite token hash
-- ARGV  frame, 7 invite id
-- Reply ok, invite
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, INVITE_NOT_FOUND
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
local i = hash(KEYS[5])
if not i or i.id ~= ARGV[7] then return refuse('INVITE_NOT_FOUND') end
if not present(i.revokedAt) then
  i.revokedAt = dec(NOW)
  call('HSET', KEYS[5], 'revokedAt', i.revokedAt)
  call('HDEL', KEYS[6], i.digest)
end
return answer(invite_json(i))
