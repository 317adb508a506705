#!lua
-- include: core session answer participant caller
-- Checks a caller, for operations whose work is elsewhere; with a key it also keeps the answer the node has ready.
-- keys: session participants credentials answers answers_order
-- args: who ready
--   who: 'host' when only the host may; ready: the answer to keep ('' keeps none yet)
-- reply: ok, the answer, host session id
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
local ended = enter()
if ended then return ended end
if who == 'host' and P.role ~= 'host' then return refuse('HOST_REQUIRED') end
local host_session_id = call('HGET', session, 'hostSessionId')
if ready == '' then return {'ok', '', host_session_id} end
return answer(ready, host_session_id)
