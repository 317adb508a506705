#!lua flags=no-writes
-- include: core session participant approval reader
-- A session with its participants and approvals, and the event id all of that was true at.
-- KEYS  frame, 5 participants zset, 6 approvals zset, then participant hashes newest first, approval hashes newest first
-- ARGV  frame, 7 how the caller comes, 8 participants passed, 9 participants ever, 10 approvals ever,
--       11 bytes of approvals at most
-- Reply ok, session, participants in join order, approvals newest first, cursor, 'true' when something was left out,
--       'reduced' when the reader gets what viewers get
-- Fails retry when somebody joined or prompted since the ids were read; SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
local ended = enter_viewer()
if ended then return ended end
local role = P and P.role or role_of_anybody()
if dec(call('ZCARD', KEYS[5])) ~= ARGV[9] or dec(call('ZCARD', KEYS[6])) ~= ARGV[10] then return refuse('retry') end
local participants, approvals, count, bytes = {}, {}, tonumber(ARGV[8]), 0
for i = 6 + count, 7, -1 do
  local p = hash(KEYS[i])
  if p then participants[#participants + 1] = participant_json(p) end
end
for i = 7 + count, #KEYS do
  local a = hash(KEYS[i])
  if a then
    local text = approval_json(a)
    bytes = bytes + #text
    if bytes > tonumber(ARGV[11]) and #approvals > 0 then break end
    approvals[#approvals + 1] = text
  end
end
local whole = #participants >= tonumber(ARGV[9]) and #approvals >= tonumber(ARGV[10])
return {'ok', session_json(), '[' .. table.concat(participants, ',') .. ']', '[' .. table.concat(approvals, ',') .. ']',
  S.last, whole and 'false' or 'true', is_reduced(role) and 'reduced' or 'all'}
