#!lua
-- include: core host
-- Registers a host session, or attaches to one again with its token.
-- KEYS  frame, 3 idempotency hash
-- ARGV  frame (ARGV[2] the digest of the token presented, '' none), 4 digest of a new token, 5 user id, 6 workspace id,
--       7 agent name, 8 agent version, 9 digest of the idempotent request ('' none), 10 sealed new token,
--       11 ms an Idempotency-Key is remembered, 12 who may share it: token or anyone
-- Reply ok, 'new' or 'known', host session; or repeated, sealed token, 'new', host session
-- Fails HOST_SESSION_EXISTS, IDEMPOTENCY_KEY_REUSED
if ARGV[9] ~= '' then
  local kept = call('HMGET', KEYS[3], 'request', 'reply', 'sealed')
  if kept[1] and kept[1] ~= ARGV[9] then return refuse('IDEMPOTENCY_KEY_REUSED') end
  if kept[1] then return {'repeated', kept[3], 'new', kept[2]} end
end
H = hash(KEYS[1])
local fresh = H == nil
if H then
  if ARGV[2] == '' or H.tokenHash ~= ARGV[2] then return refuse('HOST_SESSION_EXISTS') end
else
  H = {id = ARGV[1], createdAt = dec(NOW), tokenHash = ARGV[4], workspaceId = ARGV[6], userId = ARGV[5], fence = '0'}
  call('HSET', KEYS[1], 'id', H.id, 'createdAt', H.createdAt, 'tokenHash', H.tokenHash, 'workspaceId', H.workspaceId,
    'userId', H.userId, 'fence', H.fence, 'sharing', ARGV[12])
end
H.lastSeenAt = dec(NOW)
call('HSET', KEYS[1], 'lastSeenAt', H.lastSeenAt)
if ARGV[7] ~= '' then
  H.agentName, H.agentVersion = ARGV[7], ARGV[8]
  call('HSET', KEYS[1], 'agentName', H.agentName, 'agentVersion', H.agentVersion)
end
local json = host_json()
if fresh and ARGV[9] ~= '' then
  call('HSET', KEYS[3], 'request', ARGV[9], 'reply', json, 'sealed', ARGV[10])
  call('PEXPIRE', KEYS[3], ARGV[11])
end
call('PEXPIRE', KEYS[1], ARGV[3])
call('PEXPIRE', KEYS[2], ARGV[3])
return {'ok', fresh and 'new' or 'known', json}
