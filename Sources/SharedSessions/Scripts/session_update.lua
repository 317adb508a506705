#!lua
-- include: core session participant
-- Changes the mode, the expiry, the time approvals have or what viewers see; the host's doing. Approvals keep the time
-- they were made with.
-- KEYS  frame
-- ARGV  frame, 7 mode ('' unchanged), 8 expiry: 'keep', 'none' or ms from now, 9 longest life ms, 10 retention ms,
--       11 seconds an approval may stay pending: 'keep', '' (no limit) or a number, 12 what viewers see ('' unchanged)
-- Reply ok, session, endsAt ms, purgeAt ms
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
local ended = enter()
if ended then return ended end
if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
if ARGV[7] ~= '' then S.mode = ARGV[7] end
if ARGV[12] ~= '' then S.viewerUpdates = ARGV[12] end
if ARGV[11] ~= 'keep' then S.approvalTimeout = ARGV[11] end
if ARGV[8] ~= 'keep' then
  S.expiresAt = ARGV[8] == 'none' and '' or dec(NOW + tonumber(ARGV[8]))
  S.endsAt = ARGV[8] == 'none' and dec(tonumber(S.createdAt) + tonumber(ARGV[9])) or S.expiresAt
  if tonumber(S.endsAt) <= NOW then S.endsAt = dec(NOW + tonumber(ARGV[9])) end
  -- Never earlier than it was: the keys of earlier members carry that end, and it is only garbage collection.
  S.purgeAt = dec(math.max(tonumber(S.purgeAt), tonumber(S.endsAt) + tonumber(ARGV[10])))
end
call('HSET', KEYS[1], 'mode', S.mode, 'expiresAt', S.expiresAt, 'endsAt', S.endsAt, 'purgeAt', S.purgeAt,
  'approvalTimeout', S.approvalTimeout or '', 'viewerUpdates', S.viewerUpdates)
emit('session_updated', '-', '{"session":' .. session_json() .. '}')
save_sequence()
keep(KEYS[1])
keep(KEYS[2])
return answer(session_json(), S.endsAt, S.purgeAt)
