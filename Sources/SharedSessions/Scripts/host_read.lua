#!lua flags=no-writes
-- include: core host
-- A host session, and what holds its running slot.
-- KEYS  frame    ARGV  frame
-- Reply ok, host session, fence, lease end ms, running session id, running approval id, running dispatch id,
--       [shared session ids], workspace id, dispatch id that is being cancelled
-- Fails HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN
local ended = enter_host()
if ended then return ended end
return {'ok', host_json(), H.fence or '0', H.leaseUntil or '0', H.runningSession or '', H.runningApproval or '',
  H.runningDispatch or '', call('ZRANGE', KEYS[2], 0, -1), H.workspaceId, H.cancelling or ''}
