#!lua
-- include: core session answer participant caller invite
-- The host revokes a scoped invite; it stops working at once. Twice is once.
-- keys: session participants credentials invites answers answers_order
-- args: id
-- reply: ok, invite
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, INVITE_NOT_FOUND
enter_host()
local record = call('HGET', invites, id)
if not record then return refuse('INVITE_NOT_FOUND') end
if not is_revoked(record) then
  record = string.gsub(record, '("createdAt":"[^"]+")', '%1,"revokedAt":' .. now(), 1)
  call('HSET', invites, id, record)
end
answer({'ok', record})
