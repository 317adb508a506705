#!lua
-- include: core clock host
-- Takes up a shared session that is about to be created.
-- keys: host sessions agent_state places places_order answers answers_order
-- args: id token most token_needed host_lifetime
--   most: shared sessions; token_needed: 'true' when the token must be right whatever the host session says
-- reply: ok, workspace id, 'true' when a bridge is attached, fence
-- fails: HOST_SESSION_NOT_FOUND, HOST_TOKEN_REQUIRED, SESSION_LIMIT
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
if (token_needed == 'true' or H.sharing == 'token') and H.tokenHash ~= token then return refuse('HOST_TOKEN_REQUIRED') end
if not call('ZSCORE', sessions, id) then
  if call('ZCARD', sessions) >= tonumber(most) then return refuse('SESSION_LIMIT') end
  -- After the last batch, whose repeat must not reach it.
  call('ZADD', sessions, math.max(NOW, tonumber(H.batchedAt or '0') + 1), id)
end
keep_host()
return {'ok', H.workspaceId, tostring(attached()), H.fence or '0'}
