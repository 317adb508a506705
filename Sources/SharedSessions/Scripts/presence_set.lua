#!lua
-- include: core session participant
-- A node's first stream of a participant has opened, or its last one has gone. The event is published, not kept.
-- KEYS  frame (KEYS[3] the participant)
-- ARGV  frame, 7 node id, 8 'on' or 'off'
-- Reply ok, 'true' when this changed whether the participant is online
-- Fails SESSION_NOT_FOUND, PARTICIPANT_NOT_FOUND
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local p = hash(KEYS[3])
if not p then return refuse('PARTICIPANT_NOT_FOUND') end
local before, field = online(p), 'stream:' .. ARGV[7]
if ARGV[8] == 'on' then
  p[field] = '1'
  call('HSET', KEYS[3], field, '1')
else
  p[field] = nil
  call('HDEL', KEYS[3], field)
end
if online(p) == before or S.status ~= 'active' then return {'ok', 'false'} end
local kind = ARGV[8] == 'on' and 'participant_online' or 'participant_offline'
publish('-', kind, p.id, envelope(kind, '{"participantId":"' .. p.id .. '"}'))
return {'ok', 'true'}
