#!lua flags=no-writes
-- include: core session participant invite
-- The scoped invites, oldest first; the host's to see.
-- KEYS  frame, 5 invites zset, then invite hashes oldest first
-- ARGV  frame
-- Reply ok, invites
-- Fails retry when one was made since the ids were read; SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
local ended = enter_reader()
if ended then return ended end
if not P or P.role ~= 'host' then return refuse('HOST_REQUIRED') end
if call('ZCARD', KEYS[5]) ~= #KEYS - 5 then return refuse('retry') end
local invites = {}
for n = 6, #KEYS do invites[#invites + 1] = invite_json(hash(KEYS[n])) end
return {'ok', '[' .. table.concat(invites, ',') .. ']'}
