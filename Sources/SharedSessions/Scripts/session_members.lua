#!lua flags=no-writes
-- include: core session
-- The ids a later script of this session needs as keys.
-- KEYS  1 session, 2 participants zset, 3 approvals zset, 4 pending hash, 5 queue zset, 6 users hash,
--       7 permissions hash
-- ARGV  1 how many participants and approvals at most (newest kept)
-- Reply ok, [participant ids newest first], participants ever, [approval ids newest first], approvals ever,
--       [pending approval id, author id, ...], [queued approval ids], [present participant ids], host participant id,
--       [waiting permission request's id, dispatch id, ...]
-- Fails SESSION_NOT_FOUND
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local last = tonumber(ARGV[1]) - 1
return {'ok', call('ZREVRANGE', KEYS[2], 0, last), dec(call('ZCARD', KEYS[2])), call('ZREVRANGE', KEYS[3], 0, last),
  dec(call('ZCARD', KEYS[3])), call('HGETALL', KEYS[4]), call('ZRANGE', KEYS[5], 0, -1), call('HVALS', KEYS[6]),
  S.hostParticipantId or '', call('HGETALL', KEYS[7])}
