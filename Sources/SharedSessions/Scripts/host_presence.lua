#!lua
-- include: core session approval pending
-- Tells a session that its host's bridge is attached, or that its lease has lapsed; the higher fence wins, and at the
-- same fence 'offline' comes last. From then on the prompts that wait have the grace time, and nobody waits for an answer to
-- what the agent asked between turns.
-- keys: session events approvals order deadlines
-- args: fence state grace
--   state: online or offline; grace: ms ('0' none)
-- reply: ok, 'true' when this changed it
-- fails: SESSION_NOT_FOUND, SESSION_INACTIVE
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
local v = call('HMGET', session, 'hostFence', 'hostOnline', 'hostOfflineAt')
local known, was, since = tonumber(v[1] or '0'), v[2] or 'offline', v[3]
local given = tonumber(fence)
if given < known or (given == known and (state == 'online' or present(since))) then return {'ok', 'false'} end
local away = state == 'offline'
-- A session that was shared while its host was away already counts from its own beginning.
call('HSET', session, 'hostFence', fence, 'hostOnline', state, 'hostOfflineAt',
  away and (present(since) and since or dec(NOW)) or '')
if was == state then return {'ok', 'false'} end
local until_then = away and grace ~= '0' and ',"graceEndsAt":' .. rfc3339(NOW + tonumber(grace)) or ''
emit('host_' .. state, '-', '{"hostSessionId":' .. quote(host_session_id) .. until_then .. '}')
if away then withdraw_requests('-', 'agent_withdrew') end
save()
return {'ok', 'true'}
