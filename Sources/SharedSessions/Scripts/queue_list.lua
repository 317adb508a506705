#!lua flags=no-writes
-- include: core session participant approval
-- The approved prompts of a session that wait for their dispatch, in order.
-- KEYS  frame, 5 queue zset, then approval hashes in the queue's order
-- ARGV  frame, 7... the approval ids in the same order
-- Reply ok, queue
-- Fails retry when the queue has changed since the ids were read; SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
local ended = enter_reader()
if ended then return ended end
local ids = call('ZRANGE', KEYS[5], 0, -1)
if #ids ~= #ARGV - 6 then return refuse('retry') end
local entries = {}
for i, id in ipairs(ids) do
  if ARGV[6 + i] ~= id then return refuse('retry') end
  entries[i] = '{"position":' .. dec(i) .. ',"approval":' .. approval_json(hash(KEYS[5 + i])) .. '}'
end
return {'ok', '[' .. table.concat(entries, ',') .. ']'}
