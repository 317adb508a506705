#!lua flags=no-writes
-- include: core session participant caller reader
-- A page of messages, oldest first.
-- keys: session participants credentials messages
-- args: after most most_bytes
--   after: stream id after which to begin ('-' from the start)
-- reply: ok, messages, next cursor ('' at the end)
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
local ended = enter_reader()
if ended then return ended end
local texts, bytes, last = {}, 0, after == '-' and '-' or '(' .. after
-- In small steps, so that a page of large messages does not read much more than it holds.
while true do
  local step = call('XRANGE', messages, last, '+', 'COUNT', 32)
  for _, entry in ipairs(step) do
    local text = entry[2][2]
    bytes = bytes + #text
    if #texts == tonumber(most) or (bytes > tonumber(most_bytes) and #texts > 0) then
      return {'ok', '[' .. table.concat(texts, ',') .. ']', string.sub(last, 2)}
    end
    texts[#texts + 1] = text
    last = '(' .. entry[1]
  end
  if #step < 32 then return {'ok', '[' .. table.concat(texts, ',') .. ']', ''} end
end
