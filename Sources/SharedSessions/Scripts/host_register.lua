#!lua
-- include: core clock host host_text answer agent
-- Registers a host session, or attaches to one again with its token.
-- keys: host sessions agent_state places places_order answers answers_order
-- args: id token new_token user workspace agent version takes changes sharing host_lifetime
--   token: digest of the one presented ('' none); new_token: digest; agent, version, takes: '' not said; changes: what is
--   kept of the agent, as include_agent.lua reads it; sharing: token or anyone
-- reply: ok, 'new' or 'known', host session, 'true' when sessions that are there should hear of the agent
-- fails: HOST_SESSION_EXISTS, IDEMPOTENCY_KEY_REUSED
repeated()
H = fields_of(host)
local fresh = H == nil
if H and (token == '' or H.tokenHash ~= token) then return refuse('HOST_SESSION_EXISTS') end
if fresh then
  H = {id = id, createdAt = dec(NOW), tokenHash = new_token, workspaceId = workspace, userId = user, fence = '0'}
  call('HSET', host, 'id', H.id, 'createdAt', H.createdAt, 'tokenHash', H.tokenHash, 'workspaceId', H.workspaceId,
    'userId', H.userId, 'fence', H.fence, 'sharing', sharing)
end
H.lastSeenAt = dec(NOW)
call('HSET', host, 'lastSeenAt', H.lastSeenAt)
if agent ~= '' then
  H.agentName, H.agentVersion = agent, version
  call('HSET', host, 'agentName', agent, 'agentVersion', version)
end
-- Kinds of blocks that the agent takes; '-' none.
if takes ~= '' then call('HSET', host, 'takes', takes) end
local is_news = not fresh and brings_changes(agent_state)
if changes ~= '' then
  take_changes(agent_state, 0)
end
local json = host_json()
if fresh then
  keep_answer(host, dec(NOW + tonumber(host_lifetime)), {'ok', 'new', json, 'false'})
end
keep_host()
return {'ok', fresh and 'new' or 'known', json, tostring(is_news)}
