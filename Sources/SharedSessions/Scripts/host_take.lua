#!lua
-- include: core clock host place
-- Takes the host session's one running slot for a dispatch.
-- keys: host sessions agent_state places places_order answers answers_order
-- args: fence session_id approval_id dispatch_id host_lifetime
-- reply: ok, session, approval, dispatch that now hold the slot
-- fails: HOST_SESSION_NOT_FOUND, fenced
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
if H.fence ~= fence then return refuse('fenced') end
if present(H.runningDispatch) and H.runningDispatch ~= dispatch_id then
  return {'ok', H.runningSession, H.runningApproval, H.runningDispatch}
end
call('HSET', host, 'runningSession', session_id, 'runningApproval', approval_id, 'runningDispatch', dispatch_id)
keep_place(dispatch_id, session_id .. ' ' .. approval_id)
keep_host()
return {'ok', session_id, approval_id, dispatch_id}
