#!lua
-- include: core session answer participant caller
-- Changes the mode, the expiry, the time approvals have or what viewers see; the host's doing. Approvals keep the time
-- they were made with. No session lives longer than `longest` from its creation.
-- keys: session events participants credentials users presence approvals order queue deadlines invites messages answers
--   answers_order
-- args: mode expiry longest retention approval_timeout viewer_updates
--   mode, viewer_updates: '' unchanged; expiry: 'keep', 'none' or ms from now; longest, retention: ms
--   approval_timeout: 'keep', '' (no limit) or seconds
-- reply: ok, session, endsAt ms, purgeAt ms
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
local ended = enter_host()
if ended then return ended end
if mode ~= '' then call('HSET', session, 'mode', mode) end
if viewer_updates ~= '' then call('HSET', session, 'viewerUpdates', viewer_updates) end
if approval_timeout ~= 'keep' then call('HSET', session, 'approvalTimeout', approval_timeout) end
if expiry ~= 'keep' then
  local last = tonumber(call('HGET', session, 'createdAt')) + tonumber(longest)
  S.ends = expiry == 'none' and last or math.min(last, NOW + tonumber(expiry))
  S.purge = dec(S.ends + tonumber(retention))
  call('HSET', session, 'expiresAt', expiry == 'none' and '' or dec(S.ends), 'endsAt', dec(S.ends), 'purgeAt', S.purge)
end
write_session()
emit('session_updated', '-', '{"session":' .. session_json() .. '}')
save()
keep_all()
return answer(session_json(), dec(S.ends), S.purge)
