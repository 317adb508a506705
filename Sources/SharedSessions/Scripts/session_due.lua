#!lua flags=no-writes
-- include: core session
-- What a session's deadline is about.
-- KEYS  1 session, 2 queue zset, 3 expiring zset
-- Reply ok, status, endsAt ms, host session id, [queued approval ids, first 100],
--       [pending approvals with a time, the nearest 100]
-- Fails SESSION_NOT_FOUND
if not load_session() then return refuse('SESSION_NOT_FOUND') end
return {'ok', call('HGET', KEYS[1], 'status') ~= 'active' and 'ended' or S.status, S.endsAt, S.hostSessionId,
  call('ZRANGE', KEYS[2], 0, 99), call('ZRANGE', KEYS[3], 0, 99)}
