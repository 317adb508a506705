#!lua flags=no-writes
-- include: core clock host answer
-- Where what the agent asks without naming a turn belongs: where its turn runs, else in what was shared last.
-- keys: host sessions answers
-- args: token
-- reply: ok, session id ('' nothing is shared), approval id and dispatch id of what holds the running slot ('' nothing does);
--   or repeated with the first answer
-- fails: HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN, IDEMPOTENCY_KEY_REUSED
local ended = enter_host_session()
if ended then return ended end
repeated()
if present(H.runningDispatch) then return {'ok', H.runningSession, H.runningApproval, H.runningDispatch} end
return {'ok', call('ZREVRANGE', sessions, 0, 0)[1] or '', '', ''}
