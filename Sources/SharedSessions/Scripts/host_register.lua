#!lua
-- include: core clock host host_text answer
-- Registers a host session, or attaches to one again with its token.
-- keys: host sessions places places_order answers answers_order
-- args: id token new_token user workspace agent version sharing host_lifetime
--   token: digest of the one presented ('' none); new_token: digest; agent, version: '' not said; sharing: token or anyone
-- reply: ok, 'new' or 'known', host session
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
local json = host_json()
if fresh then
  keep_answer(host, dec(NOW + tonumber(host_lifetime)), {'ok', 'new', json})
end
keep_host()
return {'ok', fresh and 'new' or 'known', json}
