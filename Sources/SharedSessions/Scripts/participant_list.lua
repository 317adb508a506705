#!lua flags=no-writes
-- include: core session participant
-- Participants in join order, departed ones included.
-- KEYS  frame, 5 participants zset, then participant hashes newest first
-- ARGV  frame, 7 participants ever
-- Reply ok, participants, 'true' when some were left out
-- Fails retry when somebody joined since the ids were read; SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
local ended = enter_reader()
if ended then return ended end
if dec(call('ZCARD', KEYS[5])) ~= ARGV[7] then return refuse('retry') end
local participants = {}
for i = #KEYS, 6, -1 do
  local p = hash(KEYS[i])
  if p then participants[#participants + 1] = participant_json(p) end
end
return {'ok', '[' .. table.concat(participants, ',') .. ']', #participants < tonumber(ARGV[7]) and 'true' or 'false'}
