#!lua
-- include: core host
-- Looks up the first answer to a repeatable call on a host session, or keeps it.
-- KEYS  frame, 3 idempotency hash
-- ARGV  frame, 4 digest of the request, 5 the answer to keep ('' look only), 6 ms an Idempotency-Key is remembered
-- Reply ok, the first answer ('' none yet)
-- Fails HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN, IDEMPOTENCY_KEY_REUSED
local ended = enter_host()
if ended then return ended end
local kept = call('HMGET', KEYS[3], 'request', 'reply')
if kept[1] and kept[1] ~= ARGV[4] then return refuse('IDEMPOTENCY_KEY_REUSED') end
if kept[1] then return {'ok', kept[2]} end
if ARGV[5] ~= '' then
  call('HSET', KEYS[3], 'request', ARGV[4], 'reply', ARGV[5])
  call('PEXPIRE', KEYS[3], ARGV[6])
end
return {'ok', ''}
