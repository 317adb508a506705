#!lua
-- include: core session answer participant caller
-- Checks a caller, for operations whose work is elsewhere; with a key it also keeps the answer the node has ready.
-- keys: session participants credentials answers answers_order
-- args: who ready
--   who: 'host' when only the host may; ready: the answer to keep ('' keeps none yet)
-- reply: ok, the answer, host session id
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
enter()
if who == 'host' and caller_role ~= 'host' then return refuse('HOST_REQUIRED') end
if ready == '' then return {'ok', '', host_session_id} end
answer({'ok', ready, host_session_id})
