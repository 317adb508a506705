#!lua flags=allow-oom
-- include: core session answer participant caller approval pending dispatch end
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
  if not load_session() then return refuse('SESSION_NOT_FOUND') end
  if present(S.closed) then return refuse('SESSION_INACTIVE', S.status) end
  if cause == 'expire' and S.status == 'active' then return refuse('not_due', dec(S.ends)) end
else
  local ended = enter_host()
  if ended then return ended end
end
S.status = (cause == 'expire' or S.status == 'expired') and 'expired' or 'closed'
S.closed, S.purge = dec(NOW), dec(math.min(tonumber(S.purge), NOW + tonumber(retention)))
call('HSET', session, 'status', S.status, 'closedAt', S.closed, 'purgeAt', S.purge, 'ending', '1')
write_session()
call('DEL', users)
local left = P and participant_json(as_ended(P.record), false) or '{}'
if cause == 'leave' then emit('participant_left', P.id, '{"participant":' .. left .. '}') end
local done, withdrawn = end_some()
save('approvalBytes', dec(S.approval_bytes or tonumber(call('HGET', session, 'approvalBytes'))))
keep_all()
local v = call('HMGET', session, 'hostSessionId', 'workspaceId')
return answer(session_json(), left, S.purge, tostring(done), v[1], v[2], unpack(withdrawn))
