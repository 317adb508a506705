#!lua
-- include: core session answer participant caller
-- The host replaces the invite; the old one stops working at once.
-- keys: session participants credentials answers answers_order
-- args: invite_hash
--   invite_hash: digest of the new invite
-- reply: ok, '{}'
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
enter_host()
call('HSET', session, 'inviteHash', invite_hash)
answer({'ok', '{}'})
