#!lua
-- include: core host
-- Takes up a shared session that is about to be created.
-- KEYS  frame    ARGV  frame, 4 shared session id, 5 sessions at most, 6 'required' when the token must be right
-- Reply ok, workspace id, 'true' when a bridge is attached, fence
-- Fails HOST_SESSION_NOT_FOUND, HOST_TOKEN_REQUIRED, SESSION_LIMIT
H = hash(KEYS[1])
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
if (ARGV[6] == 'required' or H.sharing == 'token') and H.tokenHash ~= ARGV[2] then return refuse('HOST_TOKEN_REQUIRED') end
if not call('ZSCORE', KEYS[2], ARGV[4]) then
  if call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then return refuse('SESSION_LIMIT') end
  call('ZADD', KEYS[2], dec(NOW), ARGV[4])
end
keep_host()
return {'ok', H.workspaceId, tostring(attached()), H.fence or '0'}
