#!lua flags=no-writes
-- include: core clock host
-- What a lapsed lease leaves behind, or when to look again.
-- keys: host sessions
-- args:
-- reply: ok, fence, running session, approval, dispatch, [shared session ids]
-- fails: HOST_SESSION_NOT_FOUND; not_due with the lease's end
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
if attached() then return refuse('not_due', H.leaseUntil) end
return {'ok', H.fence or '0', H.runningSession or '', H.runningApproval or '', H.runningDispatch or '',
  call('ZRANGE', sessions, 0, -1)}
