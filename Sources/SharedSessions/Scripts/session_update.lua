#!lua
-- include: core session answer participant caller approval pending dispatch vote
-- Changes the mode, the expiry, the time approvals have, how many must agree or what viewers see; the host's doing. Approvals keep the time
-- they were made with. No session lives longer than `longest` from its creation.
-- keys: session events participants credentials users presence approvals order queue deadlines invites messages answers
--   answers_order
-- args: new_mode new_expiry longest retention new_timeout new_view new_needed dispatch_seed
--   new_mode, new_view, new_needed: '' unchanged; new_expiry: 'keep', 'none' or ms from now; longest, retention: ms
--   new_timeout: 'keep', '' (no limit) or seconds
-- reply: ok, session, endsAt ms, purgeAt ms, host session id, prompts that have enough votes now
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
enter_host()
load_other_rules()
find_needed()
if new_needed ~= '' then needed = new_needed + 0 end
approvals_needed = needed
if new_mode ~= '' then mode = new_mode end
if new_view ~= '' then viewer_updates = new_view end
if new_timeout ~= 'keep' then approval_timeout = new_timeout ~= '' and new_timeout or '-' end
if new_expiry ~= 'keep' then
  local latest = tonumber(call('HGET', session, 'createdAt')) + tonumber(longest)
  ends = new_expiry == 'none' and latest or math.min(latest, NOW + tonumber(new_expiry))
  purge = ends + tonumber(retention)
  call('HSET', session, 'expiresAt', new_expiry == 'none' and '' or ends)
end
change_rules()
write_session()
emit('session_updated', '-', '{"session":' .. session_json() .. '}')
local approved = new_needed ~= '' and count_again(caller) or 0
save()
keep_all()
answer({'ok', session_json(), dec(ends), dec(purge), host_session_id, dec(approved)})
