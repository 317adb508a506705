#!lua flags=allow-oom
-- include: core session answer participant caller approval pending dispatch end vote
-- Ends a session: by its host, by the host leaving, by expiry, or with its host session. From here on it has ended for every
-- call; what is still open in it ends in steps, the first of which is this one.
-- keys: session events participants credentials users presence approvals order queue deadlines invites messages answers
--   answers_order
-- args: cause retention
--   cause: close, leave, expire or host; retention: ms
-- reply: ok, session, caller's participant ('{}' none), purgeAt ms, 'true' when all of it has ended, host session id,
--   workspace id, then the ids of the requests that were withdrawn
-- fails: not_due with endsAt for an expiry that is not; SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
if cause == 'expire' or cause == 'host' then
  load_session()
  if not status then return refuse('SESSION_NOT_FOUND') end
  find_needed()
  if closed ~= '-' then return refuse('SESSION_INACTIVE', status) end
  if cause == 'expire' and status == 'active' then return refuse('not_due', ends) end
else
  enter_host()
  load_other_rules()
  find_needed()
end
status = (cause == 'expire' or status == 'expired') and 'expired' or 'closed'
closed, purge = NOW, math.min(tonumber(purge), NOW + tonumber(retention))
approvals_needed = needed
change_rules()
call('HSET', session, 'ending', '1')
write_session()
call('DEL', users)
local left = caller_record and participant_json(as_ended(caller_record), false) or '{}'
if cause == 'leave' then
  emit('participant_left', caller, '{"participant":' .. left .. '}')
end
local done, withdrawn = end_some()
save()
keep_all()
answer({'ok', session_json(), left, dec(purge), tostring(done), host_session_id, call('HGET', session, 'workspaceId'),
  unpack(withdrawn)})
