#!lua flags=no-writes
-- include: core clock host host_text
-- A host session, and what holds its running slot.
-- keys: host sessions
-- args: token
-- reply: ok, host session, fence, 'true' when a bridge is attached, running session id, running approval id,
--   running dispatch id, dispatch id that is being cancelled, [shared session ids], kinds of blocks its agent takes
-- fails: HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN
local ended = enter_host_session()
if ended then return ended end
return {'ok', host_json(), H.fence or '0', tostring(attached()), H.runningSession or '', H.runningApproval or '',
  H.runningDispatch or '', H.cancelling or '', call('ZRANGE', sessions, 0, -1), H.takes or ''}
