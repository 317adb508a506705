#!lua flags=allow-oom
-- include: core session participant approval
-- Ends a session: by its host, by the host leaving, by expiry, or with its host session.
-- KEYS  frame, 5 users hash, 6 pending hash, 7 queue zset, 8 expiring zset, 9 permissions hash, then present participants'
--       hashes, pending approvals' hashes, their authors' hashes (one each), queued approvals' hashes, waiting permission
--       requests' hashes
-- ARGV  frame, 7 how: close, leave, expire or host, 8 participants passed, 9 pending passed, 10 queued passed,
--       11 retention ms, 12 waiting permission requests passed
-- Reply ok, session, caller's participant ('{}' when there is none), purgeAt ms
-- Fails retry when the ids passed are no longer all there are; not_due for an expiry that is not; SESSION_NOT_FOUND ...
--       PARTICIPANT_INACTIVE, HOST_REQUIRED
local how = ARGV[7]
if how == 'expire' or how == 'host' then
  if not load_session() then return refuse('SESSION_NOT_FOUND') end
  if call('HGET', KEYS[1], 'status') ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
  if how == 'expire' and S.status == 'active' then return refuse('not_due', S.endsAt) end
else
  local ended = enter()
  if ended then return ended end
  if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
end

local n, m, q = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local asked = waiting_permissions(9, 10 + n + 2 * m + q, tonumber(ARGV[12]), '')
if not asked then return refuse('retry') end
if call('HLEN', KEYS[5]) ~= n or call('HLEN', KEYS[6]) ~= m or call('ZCARD', KEYS[7]) ~= q then return refuse('retry') end
local leaving, pending, queued = {}, {}, {}
for i = 10, 9 + n do
  local p = hash(KEYS[i])
  if not p or present(p.leftAt) then return refuse('retry') end
  leaving[#leaving + 1] = {KEYS[i], p}
end
for i = 10 + n, 9 + n + m do
  local a = hash(KEYS[i])
  if not a or a.status ~= 'pending' then return refuse('retry') end
  pending[#pending + 1] = {KEYS[i], a, hash(KEYS[i + m])}
end
for i = 10 + n + 2 * m, 9 + n + 2 * m + q do
  local a = hash(KEYS[i])
  if not a or a.dispatchState ~= 'queued' then return refuse('retry') end
  queued[#queued + 1] = {KEYS[i], a}
end

S.status = (how == 'expire' or S.status == 'expired') and 'expired' or 'closed'
S.purgeAt = dec(math.min(tonumber(S.purgeAt), NOW + tonumber(ARGV[11])))
call('HSET', KEYS[1], 'status', S.status, 'closedAt', dec(NOW), 'purgeAt', S.purgeAt)
for _, entry in ipairs(leaving) do
  entry[2].leftAt = dec(NOW)
  call('HSET', entry[1], 'leftAt', dec(NOW), 'presentAtEnd', '1')
end
if P then P.leftAt = dec(NOW) end
call('DEL', KEYS[5])
if how == 'leave' then emit('participant_left', P.id, '{"participant":' .. participant_json(P) .. '}') end
for _, entry in ipairs(pending) do
  set(entry[1], entry[2], 'status', 'expired', 'resolvedAt', dec(NOW))
  if entry[3] and not present(entry[3].leftAt) then entry[3].leftAt = dec(NOW) end
  emit('prompt_expired', '-', approval_payload(entry[2], participant_json(entry[3])))
end
call('DEL', KEYS[6], KEYS[8])
withdraw_permissions(9, asked, 'session_' .. S.status)
for _, entry in ipairs(queued) do fail_dispatch(entry[1], KEYS[7], entry[2], 'session closed') end
emit('session_closed', '-', '{"status":"' .. S.status .. '"}')
save_sequence()
keep(KEYS[1])
keep(KEYS[2])
return answer(session_json(), P and participant_json(P) or '{}', S.purgeAt)
