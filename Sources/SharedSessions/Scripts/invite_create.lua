#!lua
-- include: core session answer participant caller
-- The host makes a scoped invite.
-- keys: session participants credentials invites answers answers_order
-- args: id invite_hash role label uses lifetime most
--   invite_hash: digest of its token; role: at most; label: JSON ('' none); uses: at most ('' no limit)
--   lifetime: ms until it ends ('' with the session); most: invites
-- reply: ok, invite
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, INVITE_LIMIT
enter_host()
local number = tonumber(call('HGET', session, 'invites') or '0')
if number >= tonumber(most) then return refuse('INVITE_LIMIT') end
local record = '{"id":"' .. id .. '","sharedSessionId":"' .. session_id .. '","role":"' .. role .. '","uses":0,"createdAt":' .. now()
  .. (uses ~= '' and ',"maxUses":' .. uses or '')
  .. (lifetime ~= '' and ',"expiresAt":' .. rfc3339(NOW + tonumber(lifetime)) or '')
  .. (label ~= '' and ',"label":' .. label or '') .. '}'
call('HSET', invites, id, record, 'token:' .. invite_hash, id, 'order:' .. dec(number), id)
call('HSET', session, 'invites', dec(number + 1))
keep(invites)
answer({'ok', record})
