#!lua flags=allow-oom
-- include: core clock host
-- Removes a host session once its shared sessions are closed.
-- keys: host sessions agent_state places places_order answers answers_order
-- args: token
-- reply: ok
-- fails: HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN; shared when it shares a session (again)
local ended = enter_host_session()
if ended then return ended end
if call('ZCARD', sessions) > 0 then return refuse('shared') end
signal('gone')
call('DEL', host, sessions, agent_state, places, places_order, answers, answers_order)
return {'ok'}
