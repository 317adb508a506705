#!lua flags=no-writes
-- include: core session participant message
-- A page of messages, oldest first.
-- KEYS  frame, 5 messages stream
-- ARGV  frame, 7 stream id after which to begin ('-' from the start), 8 how many at most, 9 bytes at most
-- Reply ok, messages, next cursor ('' at the end)
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
local ended = enter_reader()
if ended then return ended end
local most = tonumber(ARGV[8])
local from = ARGV[7] == '-' and '-' or '(' .. ARGV[7]
local entries = call('XRANGE', KEYS[5], from, '+', 'COUNT', most + 1)
local texts, bytes, cursor = {}, 0, ''
for i, entry in ipairs(entries) do
  local m = {}
  for j = 1, #entry[2], 2 do m[entry[2][j]] = entry[2][j + 1] end
  local text = message_json(m)
  bytes = bytes + #text
  if i > most or (bytes > tonumber(ARGV[9]) and i > 1) then
    cursor = entries[i - 1][1]
    break
  end
  texts[i] = text
end
return {'ok', '[' .. table.concat(texts, ',') .. ']', cursor}
