#!lua flags=allow-oom
-- include: core host
-- What a lapsed lease leaves behind, or when to look again.
-- KEYS  frame    ARGV  frame
-- Reply ok, fence, [shared session ids], running session, approval, dispatch
-- Fails HOST_SESSION_NOT_FOUND; not_due with the lease's end
local ended = enter_host()
if ended then return ended end
if attached() then return refuse('not_due', H.leaseUntil) end
return {'ok', H.fence or '0', call('ZRANGE', KEYS[2], 0, -1), H.runningSession or '', H.runningApproval or '',
  H.runningDispatch or ''}
