#!lua
-- include: core clock host
-- Asks the attached bridge to stop the turn that runs for a session.
-- keys: host
-- args: session_id
-- reply: ok, 'true' when one runs, its approval id, its dispatch id ('' none)
-- fails: HOST_SESSION_NOT_FOUND
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
if H.runningSession ~= session_id then return {'ok', 'false', '', ''} end
call('HSET', host, 'cancelling', H.runningDispatch)
signal('cancel ' .. H.runningDispatch)
return {'ok', 'true', H.runningApproval, H.runningDispatch}
